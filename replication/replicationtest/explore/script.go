package explore

import (
	"fmt"
	"slices"
	"strings"
)

// A script is a list of actions in words, as a found violation is printed; lines
// that begin with a space tell what an action caused, and are passed over. A line
// stands for the action of that text, or else for the first whose text begins
// with it. Two more commands serve beginnings:
//
//	settle [process]...   deliver, sync, store and apply among these processes (all
//	                      if none is named) until nothing is left to do
//	lose                  lose every message under way

// BrokenError says that a script leads to a state that breaks a law.
type BrokenError struct{ Law string }

func (e BrokenError) Error() string { return "broken: " + e.Law }

// begins leads the start through a script. Nothing in it is limited, and leaders
// are published.
func (x *Explorer) begins(script []string) error {
	for i := range x.limit {
		x.limit[i] = mostOfAKind
	}
	config := x.config
	x.config.Coordinators, x.config.Publish = coordinators, true
	defer func() { x.config = config }()
	for _, line := range script {
		if strings.HasPrefix(line, " ") {
			continue // what an action caused
		}
		if err := x.obey(line); err != nil {
			return fmt.Errorf("start of %s: %s: %w", x.config.Name, line, err)
		}
	}
	return nil
}

func (x *Explorer) obey(line string) error {
	words := strings.Fields(line)
	switch words[0] {
	case "lose":
		x.start.net = nil
		return nil
	case "settle":
		for {
			if settled, err := x.settle(words[1:]); settled || err != nil {
				return err
			}
		}
	}
	for _, fits := range []func(string) bool{
		func(text string) bool { return text == line },
		func(text string) bool { return strings.HasPrefix(text, line) },
	} {
		if found, err := x.follow(fits); found || err != nil {
			return err
		}
	}
	return fmt.Errorf("no such action; there are %q", x.actions())
}

// follow takes the first action that fits.
func (x *Explorer) follow(fits func(text string) bool) (bool, error) {
	var first *action
	var broken string
	x.expand(&x.start, func(a action, _ *world, why string) {
		if first == nil && fits(x.text(a)) {
			first, broken = &a, why
		}
	})
	if first == nil {
		return false, nil
	}
	if broken != "" {
		return true, BrokenError{Law: broken}
	}
	x.start, _ = x.take(x.start, *first)
	return true, nil
}

// actions are the texts of what may happen at the start.
func (x *Explorer) actions() []string {
	var texts []string
	x.expand(&x.start, func(a action, _ *world, _ string) { texts = append(texts, x.text(a)) })
	return texts
}

// settle takes one step towards rest; it reports that there is none to take.
func (x *Explorer) settle(among []string) (bool, error) {
	in := func(name string) bool {
		name, _, _ = strings.Cut(name, ".")
		return len(among) == 0 || slices.Contains(among, name)
	}
	for _, pass := range []func(string) bool{
		func(text string) bool {
			who, what, _ := strings.Cut(text, " ")
			if who == "deliver" && !strings.HasPrefix(what, "a copy") {
				from, to, _ := strings.Cut(strings.Fields(what)[0], ">")
				return in(from) && in(to)
			}
			return in(who) && (what == "syncs" || what == "applies" || what == "stores" || what == "reads its log")
		},
		func(text string) bool {
			who, what, _ := strings.Cut(text, " ")
			return in(who) && what == "waits no longer"
		},
	} {
		if found, err := x.follow(pass); found || err != nil {
			return false, err
		}
	}
	return true, nil
}
