package corpus

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// The specification's state, as modules State, Network and Coordinator have it.
// Fields are named as there, with a capital letter.
type (
	state struct {
		Act   act
		Rep   map[string]replicaState
		Disk  map[string]diskState
		Doc   document
		Late  []document
		Coord map[string]coordinatorState
		Net   network
		Reads []readState
		Seen  onlooker
	}

	term struct {
		N int
		C string
	}

	entry struct{ T, V int }

	head struct{ T, O int }

	ensembles struct{ Ens, Join []string }

	operation struct {
		K string
		T term
		E []entry
		N int
	}

	replicaState struct {
		Here, MayLead, Owes                   bool
		Term                                  term
		Role                                  string
		Log                                   []entry
		Base, Commit, Applied, Applying, Wait int
		Ops                                   []operation
		Matched, Barrier, Round               int
		Cfg                                   ensembles
		Learn, Confirmed                      []string
		Match                                 map[string]int
		Staged                                staged
		Install                               []entry
	}

	staged struct {
		T, O, Parts int
		Busy        bool
	}

	diskState struct {
		Made  bool
		Term  term
		Log   []entry
		Base  int
		State []entry
	}

	document struct {
		Ver                       int
		Term                      term
		Steady                    bool
		Leader                    string
		Ens, Join, Learn, Removed []string
	}

	coordinatorState struct {
		Phase          string
		Doc            document
		Mine, Asked    term
		Heads          []answeredHead
		Chosen, Failed string
		Answers        []answered
		Highest        int
	}

	answeredHead struct {
		R    string
		Head head
	}

	answered struct {
		R                    string
		Leads, Hears, Serves bool
	}

	network struct {
		Terms, Ready    []term
		Fenced          []fencedAnswer
		Choices         []choice
		Declined        []declined
		Higher          []int
		Reign           []reign
		Acks, Confirmed []map[string]int
		Forward         []forwarded
		Completed       []int
	}

	fencedAnswer struct {
		T    term
		R    string
		Head head
	}

	choice struct {
		T     term
		R     string
		Cfg   ensembles
		Learn []string
	}

	declined struct {
		T term
		N int
	}

	reign struct {
		By, C         string
		Log           []entry
		Commit, Round int
		To            []string
		Snaps         []int
	}

	forwarded struct {
		N   int
		Ens []string
	}

	readState struct {
		St, R        string
		Index, Floor int
	}

	onlooker struct {
		Proposed []struct {
			R    string
			T, O int
			End  string
		}
	}

	// act is a step and its parameters, of which each action has some.
	act struct {
		N               string
		R, Q, C, Chosen string
		T               term
		Prev, K, Commit int
		Round, S, Part  int
		UpTo, To        int
		Head            head
		Hears           bool
		Phase           string
		Wish            []string
		D               document
	}
)

// decodeStep decodes the variables that differ from those of the state before, and
// shares the others with it.
func decodeStep(from Record, before *state, beforeRecord Record) (*state, error) {
	next := &state{}
	if before != nil {
		*next = *before
	}
	to := reflect.ValueOf(next).Elem()
	for i := range to.NumField() {
		name := fieldName(to.Type().Field(i).Name)
		v, ok := from[name]
		if !ok {
			return nil, fmt.Errorf("corpus: a state without %s", name)
		}
		if before != nil && name != "act" && same(v, beforeRecord[name]) {
			continue
		}
		to.Field(i).SetZero()
		if err := decode(v, to.Field(i), name == "act"); err != nil {
			return nil, fmt.Errorf("corpus: %s: %w", name, err)
		}
	}
	return next, nil
}

// same reports whether two values are one in memory, which values that a delta did
// not touch are.
func same(a, b Value) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	if x.Kind() != y.Kind() {
		return false
	}
	switch x.Kind() {
	case reflect.Map:
		return x.Pointer() == y.Pointer()
	case reflect.Slice:
		return x.Len() == y.Len() && x.Pointer() == y.Pointer()
	default:
		return a == b
	}
}

// fieldName is the specification's name of a field: the first letter is small.
func fieldName(name string) string {
	return string(unicode.ToLower(rune(name[0]))) + name[1:]
}

// decode sets a Go value. Fields of a record that Go does not have are passed
// over; those that the record does not have stay as they are if that is lax, and
// are an error otherwise.
func decode(v Value, to reflect.Value, lax bool) error {
	switch v := v.(type) {
	case Number:
		if to.Kind() == reflect.Int {
			to.SetInt(int64(v))
			return nil
		}
	case Word:
		switch to.Kind() {
		case reflect.String:
			to.SetString(string(v))
			return nil
		case reflect.Bool:
			to.SetBool(v == "TRUE")
			return nil
		}
	case Tuple:
		if to.Kind() == reflect.Slice {
			return decodeAll(v, to)
		}
	case Set:
		if to.Kind() == reflect.Slice {
			return decodeAll(v, to)
		}
	case Record:
		switch to.Kind() {
		case reflect.Struct:
			return decodeRecord(v, to, lax)
		case reflect.Map:
			return decodeFunction(v, to)
		}
	}
	return fmt.Errorf("%s is no %v", strings.TrimSpace(Text(v)), to.Type())
}

func decodeAll(values []Value, to reflect.Value) error {
	all := reflect.MakeSlice(to.Type(), len(values), len(values))
	for i, v := range values {
		if err := decode(v, all.Index(i), false); err != nil {
			return err
		}
	}
	to.Set(all)
	return nil
}

func decodeRecord(r Record, to reflect.Value, lax bool) error {
	for i := range to.NumField() {
		name := fieldName(to.Type().Field(i).Name)
		v, ok := r[name]
		if !ok && !lax {
			return fmt.Errorf("no field %s in %s", name, Text(r))
		}
		if !ok {
			continue
		}
		if err := decode(v, to.Field(i), false); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func decodeFunction(r Record, to reflect.Value) error {
	all := reflect.MakeMapWithSize(to.Type(), len(r))
	for key, v := range r {
		one := reflect.New(to.Type().Elem()).Elem()
		if err := decode(v, one, false); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		all.SetMapIndex(reflect.ValueOf(key), one)
	}
	to.Set(all)
	return nil
}
