package corpus

import (
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

const path = "testdata/corpus.txt.gz"

// uncovered are actions of the specification that no behaviour has, and why.
var uncovered = map[string]string{
	"Elect":       "stands for an election where questions are not modelled; here they are",
	"ChooseAgain": "is what a mutation does",
}

// unheard are kinds of messages that no replay delivers, and why.
var unheard = map[string]string{
	"Beat": "the Node's own", "Forward": "the Node's own", "ForwardReply": "the Node's own",
	"NotMember":  "sent by the Node; elections receive it",
	"Quarantine": "no state of the specification's is wrong",
}

func load(t *testing.T) *Corpus {
	t.Helper()
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCorpusIsOfThisSpecification(t *testing.T) {
	hash, err := Hash("..")
	if err != nil {
		t.Fatal(err)
	}
	if c := load(t); c.Spec != hash {
		t.Errorf("the specification changed since the corpus was made (%s, now %s): run scripts/tlc corpus", c.Spec, hash)
	}
}

func TestReplay(t *testing.T) {
	c := load(t)
	covered, failures := replayAll(c)
	for i, err := range failures {
		if i < 5 {
			t.Error(err)
		}
	}
	t.Logf("%d behaviours, %d of them differ\n%v", len(c.Behaviours), len(failures), covered)
	for _, name := range specActions(t) {
		if covered.Actions[name] == 0 && uncovered[name] == "" {
			t.Errorf("no behaviour has the action %s", name)
		}
	}
	for _, kind := range messageKinds(t) {
		if unheard[kind] == "" && (covered.Received[kind] == 0 || covered.Sent[kind] == 0) {
			t.Errorf("%s was received %d times and sent %d times", kind, covered.Received[kind], covered.Sent[kind])
		}
	}
	for _, step := range []string{"term", "append", "truncate", "reset", "trim", "delete"} {
		if covered.Durable[step] == 0 {
			t.Errorf("no behaviour has the durable step %s", step)
		}
	}
}

// replayAll replays on all processors, and returns what was covered and which
// behaviours failed, in order.
func replayAll(c *Corpus) (*Coverage, []error) {
	covered := NewCoverage()
	failed := make([]error, len(c.Behaviours))
	next := make(chan int)
	var work sync.WaitGroup
	var mu sync.Mutex
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			own := NewCoverage()
			for i := range next {
				failed[i] = Replay(&c.Behaviours[i], own)
				if failed[i] != nil {
					failed[i] = errors.Join(errors.New("behaviour "+c.name(i)), failed[i])
				}
			}
			mu.Lock()
			defer mu.Unlock()
			covered.Add(own)
		})
	}
	for i := range c.Behaviours {
		next <- i
	}
	close(next)
	work.Wait()
	return covered, slices.DeleteFunc(failed, func(err error) bool { return err == nil })
}

// specActions are the names of the steps in module Ostraka.
func specActions(t *testing.T) []string {
	t.Helper()
	return namesIn(t, "../Ostraka.tla", "OfReplica(r) ==", "Next ==", func(line string) []string {
		var names []string
		for _, word := range strings.FieldsFunc(line, func(r rune) bool { return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '(') }) {
			if name, call := strings.CutSuffix(word, "("); call && name != "" && 'A' <= name[0] && name[0] <= 'Z' {
				names = append(names, name)
			} else if i := strings.Index(word, "("); i > 0 && 'A' <= word[0] && word[0] <= 'Z' {
				names = append(names, word[:i])
			}
		}
		return names
	}, "OfReplica", "OfCoordinator", "Reaches", "Pieces", "UpTo")
}

// messageKinds are the types of package replication that are messages.
func messageKinds(t *testing.T) []string {
	t.Helper()
	return namesIn(t, "../../replication/message.go", "func (Probe) message()", "", func(line string) []string {
		name, isOne := strings.CutPrefix(line, "func (")
		if !isOne {
			return nil
		}
		return []string{name[:strings.Index(name, ")")]}
	})
}

func namesIn(t *testing.T, path, from, to string, names func(line string) []string, but ...string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(data), from)
	if !found {
		t.Fatalf("%s: no %q", path, from)
	}
	text = from + text
	if to != "" {
		text, _, _ = strings.Cut(text, "\n"+to)
	}
	var all []string
	for line := range strings.Lines(text) {
		for _, name := range names(line) {
			if !slices.Contains(all, name) && !slices.Contains(but, name) {
				all = append(all, name)
			}
		}
	}
	if len(all) < 10 {
		t.Fatalf("%s: only %v was found", path, all)
	}
	return all
}

// A value that is not what the specification came to is noticed, wherever it is:
// in a replica, on a disk, in the document, in a coordinator, in what was sent.
func TestCorruptedBehaviourIsRejected(t *testing.T) {
	c := load(t)
	for _, corrupt := range []struct {
		name string
		line func(state Record) string
	}{
		{"a role", func(s Record) string { return otherIn(s, "rep", "role", "leader", "follower") }},
		{"a commit offset", func(s Record) string { return raisedIn(s, "rep", "commit") }},
		{"what is applied", func(s Record) string { return raisedIn(s, "rep", "applied") }},
		{"a match", func(s Record) string { return raisedWithin(s, "rep", "match") }},
		{"a durable log", func(s Record) string { return emptiedIn(s, "disk", "log") }},
		{"an operation", func(s Record) string { return emptiedIn(s, "rep", "ops") }},
		{"the document", func(s Record) string { return raised(s, "doc.ver") }},
		{"a phase", func(s Record) string { return otherIn(s, "coord", "phase", "starting", "watching") }},
		{"an outcome", func(s Record) string { return openedOutcome(s) }},
	} {
		t.Run(corrupt.name, func(t *testing.T) {
			tried := 0
			for i := range c.Behaviours {
				b := c.Behaviours[i]
				at := slices.IndexFunc(b.States, func(s Record) bool { return corrupt.line(s) != "" })
				if at < 0 {
					continue
				}
				changed, err := applyDelta(b.States[at], corrupt.line(b.States[at]))
				if err != nil {
					t.Fatal(err)
				}
				b.States = slices.Clone(b.States[:at+1])
				b.States[at], _ = changed.(Record)
				var d *Difference
				if err := Replay(&b, NewCoverage()); !errors.As(err, &d) || d.Step != at {
					t.Errorf("behaviour %s, step %d: %s passed: %v", c.name(i), at, corrupt.line(c.Behaviours[i].States[at]), err)
				}
				if tried++; tried == 10 {
					return
				}
			}
			if tried == 0 {
				t.Error("no behaviour has it")
			}
		})
	}
}

func each(s Record, variable string, do func(path string, of Record) string) string {
	of, _ := s[variable].(Record)
	for _, name := range of.keys() {
		one, _ := of[name].(Record)
		if line := do(variable+"."+name, one); line != "" {
			return line
		}
	}
	return ""
}

func otherIn(s Record, variable, field, from, to string) string {
	return each(s, variable, func(path string, of Record) string {
		if of[field] != Word(from) {
			return ""
		}
		return path + "." + field + "=" + to
	})
}

func raisedIn(s Record, variable, field string) string {
	return each(s, variable, func(path string, of Record) string {
		if n, ok := of[field].(Number); ok && n > 0 {
			return path + "." + field + "=" + Text(n+1)
		}
		return ""
	})
}

func raisedWithin(s Record, variable, field string) string {
	return each(s, variable, func(path string, of Record) string {
		match, _ := of[field].(Record)
		for _, q := range match.keys() {
			if n, ok := match[q].(Number); ok && n > 0 {
				return path + "." + field + "." + q + "=" + Text(n+1)
			}
		}
		return ""
	})
}

func emptiedIn(s Record, variable, field string) string {
	return each(s, variable, func(path string, of Record) string {
		if log, ok := of[field].(Tuple); ok && len(log) > 0 {
			return path + "." + field + "=()"
		}
		return ""
	})
}

func raised(s Record, path string) string {
	doc, _ := s["doc"].(Record)
	if n, ok := doc["ver"].(Number); ok && n > 0 {
		return path + "=" + Text(n+1)
	}
	return ""
}

func openedOutcome(s Record) string {
	seen, _ := s["seen"].(Record)
	proposed, _ := seen["proposed"].(Tuple)
	for i, p := range proposed {
		one, _ := p.(Record)
		if one["end"] == Word("done") {
			return "seen.proposed." + Text(Number(i+1)) + ".end=refused"
		}
	}
	return ""
}
