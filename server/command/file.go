package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// readFile takes the settings of a configuration file. The error says everything that
// is wrong with it.
func readFile(path string, table []setting) error {
	k := koanf.New(".")
	if err := k.Load(file.Provider(path), yaml.Parser()); err != nil {
		return fmt.Errorf("--sconfig %s: %w; name a file of YAML", path, err)
	}
	var errs []error
	for _, key := range k.Keys() {
		i := slices.IndexFunc(table, func(s setting) bool { return s.key == key })
		if i < 0 {
			errs = append(errs, fmt.Errorf("%s: there is no setting %s; %s", path, key, nearest(key, table)))
			continue
		}
		if err := table[i].set(fmt.Sprint(k.Get(key))); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s %w", path, key, err))
		}
	}
	return errors.Join(errs...)
}

// nearest says which keys there are where an unknown one is.
func nearest(key string, table []setting) string {
	for within := key; ; {
		cut := strings.LastIndexByte(within, '.')
		if cut < 0 {
			break
		}
		within = within[:cut]
		var there []string
		for _, s := range table {
			if strings.HasPrefix(s.key, within+".") {
				there = append(there, s.key)
			}
		}
		if len(there) > 0 {
			return "in " + within + " there are " + strings.Join(there, ", ")
		}
	}
	return "take it out"
}
