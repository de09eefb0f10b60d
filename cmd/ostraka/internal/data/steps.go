package data

import (
	"fmt"
	"strconv"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

// stepsHelp is how transactions are written.
const stepsHelp = `  if KEY missing         there is no such record
  if KEY exists          there is one
  if KEY version N       its version is N
  if KEY value VALUE     its value is VALUE
  get KEY                look it up
  put KEY VALUE          create or overwrite it
  append KEY VALUE       add to the end of its value
  delete KEY             delete it, if there is one`

// script is a transaction that was written as text.
type script struct {
	transaction client.Transaction
	// conditions and operations are the lines that they were written in; verbs are
	// what the operations do.
	conditions, verbs []string
}

// parseSteps reads a transaction: a step in each line. Lines without a word are left
// out.
func parseSteps(lines []string, encoding output.Encoding) (script, error) {
	var s script
	for _, line := range lines {
		step, err := words.Split(line)
		if err != nil {
			return script{}, exit.Misuse("step %q: %w", line, err)
		}
		if len(step) == 0 {
			continue
		}
		if err := s.add(line, step, encoding); err != nil {
			return script{}, err
		}
	}
	if len(s.conditions)+len(s.verbs) == 0 {
		return script{}, exit.Misuse("a transaction has at least one step:\n%s", stepsHelp)
	}
	return s, nil
}

func (s *script) add(line string, step []string, encoding output.Encoding) error {
	switch verb := step[0]; {
	case verb == "if":
		condition, err := parseCondition(step, encoding)
		if err != nil {
			return exit.Misuse("step %q: %w", line, err)
		}
		if len(s.verbs) > 0 {
			return exit.Misuse("step %q comes after an operation: write all conditions first, for they are looked at first", line)
		}
		s.transaction.Conditions = append(s.transaction.Conditions, condition)
		s.conditions = append(s.conditions, line)
	default:
		operation, err := parseOperation(step, encoding)
		if err != nil {
			return exit.Misuse("step %q: %w", line, err)
		}
		s.transaction.Operations = append(s.transaction.Operations, operation)
		s.verbs = append(s.verbs, verb)
	}
	return nil
}

func parseCondition(step []string, encoding output.Encoding) (client.Condition, error) {
	const forms = "write if KEY missing, exists, version N or value VALUE"
	if len(step) < 3 {
		return client.Condition{}, fmt.Errorf("it ends too early: %s", forms)
	}
	key, what := step[1], step[2]
	switch {
	case what == "missing" && len(step) == 3:
		return client.IfMissing(key), nil
	case what == "exists" && len(step) == 3:
		return client.IfExists(key), nil
	case what == "version" && len(step) == 4:
		id, err := strconv.ParseInt(step[3], 10, 64)
		if err != nil || id < client.NoVersion {
			return client.Condition{}, fmt.Errorf("%q is not a version: give the number that get -v prints", step[3])
		}
		return client.IfVersion(key, id), nil
	case what == "value" && len(step) == 4:
		value, err := encoding.Decode(step[3])
		return client.IfValue(key, value), err
	}
	return client.Condition{}, fmt.Errorf("this is no condition: %s", forms)
}

func parseOperation(step []string, encoding output.Encoding) (client.Operation, error) {
	wanted := map[string]int{"get": 2, "delete": 2, "put": 3, "append": 3}[step[0]]
	switch {
	case wanted == 0:
		return client.Operation{}, fmt.Errorf("it begins with %q: write if, get, put, append or delete", step[0])
	case len(step) < wanted:
		return client.Operation{}, fmt.Errorf("it ends too early: write %s KEY%s", step[0], map[bool]string{true: " VALUE"}[wanted == 3])
	case len(step) > wanted:
		return client.Operation{}, fmt.Errorf("%q is one too many: quote what has spaces", step[wanted])
	}
	switch key := step[1]; step[0] {
	case "get":
		return client.ThenGet(key), nil
	case "delete":
		return client.ThenDelete(key), nil
	default:
		value, err := encoding.Decode(step[2])
		if err != nil {
			return client.Operation{}, err
		}
		if step[0] == "put" {
			return client.ThenPut(key, value), nil
		}
		return client.ThenAppend(key, value), nil
	}
}
