package arguments

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
)

// ExplainFlag words what is wrong with a flag so that it names the flag and what to
// give instead.
func ExplainFlag(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return exit.Usage(invalid.GetFlag().Name, invalid.GetValue(), remedyFor(invalid.GetFlag().Value.Type()))
	}
	var missing *pflag.ValueRequiredError
	if errors.As(err, &missing) {
		return exit.Misuse("--%s needs a value: %s", missing.GetFlag().Name, remedyFor(missing.GetFlag().Value.Type()))
	}
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		name := unknown.GetSpecifiedName()
		if unknown.GetSpecifiedShortnames() != "" {
			return exit.Misuse("there is no flag -%s: see %s --help", name, cmd.CommandPath())
		}
		if near := nearest(cmd.Flags(), name); near != "" {
			return exit.Misuse("there is no flag --%s: did you mean --%s? See %s --help", name, near, cmd.CommandPath())
		}
		return exit.Misuse("there is no flag --%s: see %s --help", name, cmd.CommandPath())
	}
	return exit.Misuse("%w: see %s --help", err, cmd.CommandPath())
}

// remedyFor says what a flag of a type takes.
func remedyFor(kind string) string {
	switch kind {
	case "int", "int64":
		return "give a whole number"
	case "uint", "uint64":
		return "give a whole number, 0 or more"
	case "uint32":
		return "give a whole number from 0 to 4294967295"
	case "float64":
		return "give a number"
	case "duration":
		return "give a duration, such as 500ms, 10s or 5m"
	case "bool":
		return "give true or false"
	case "uintSlice":
		return "give whole numbers, 0 or more, separated by commas"
	case "stringToString":
		return "give key=value"
	case "stringToInt64":
		return "give name=number, several separated by commas"
	}
	return "give a text"
}

// nearest returns the flag whose name is closest to one that does not exist, if it is
// close, or begins with it.
func nearest(set *pflag.FlagSet, name string) string {
	const far = 3
	best, distance := "", far
	set.VisitAll(func(flag *pflag.Flag) {
		d := edits(name, flag.Name)
		if strings.HasPrefix(flag.Name, name) {
			d = 1
		}
		if d < distance && !flag.Hidden {
			best, distance = flag.Name, d
		}
	})
	return best
}

// edits counts the letters to insert, delete or replace to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = slices.Min([]int{cost, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
