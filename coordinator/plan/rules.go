package plan

import (
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
)

// The labels that tell a server's zone. Replicas are spread over zones by default,
// wherever servers are labelled so.
const (
	LabelZone      = "topology.kubernetes.io/zone"
	LabelZoneShort = "zone"
)

// unlabelled is the group of servers that are in none.
const unlabelled = -1

// rule keeps the replicas of a shard apart: servers of one group should not both
// hold one.
type rule struct {
	labels []string
	// groups are by the server's number. One that lacks a label is in no group.
	groups []int
}

// rulesOf are the rules of a namespace of the configuration.
func (p *planning) rulesOf(namespace string) (strict, relaxed []rule) {
	i := slices.IndexFunc(p.desired.GetNamespaces(), func(n *api.Namespace) bool { return n.GetName() == namespace })
	if i < 0 {
		return nil, nil
	}
	zones := []string{LabelZone, LabelZoneShort}
	for _, a := range p.desired.GetNamespaces()[i].GetAntiAffinities() {
		labels := a.GetLabels()
		if len(labels) == 1 && slices.Contains(zones, labels[0]) {
			zones = nil
		}
		one := p.rule(labels, func(have map[string]string) (string, bool) { return agreement(have, labels) })
		if a.GetMode() == config.ModeStrict {
			strict = append(strict, one)
		} else {
			relaxed = append(relaxed, one)
		}
	}
	if zones != nil {
		relaxed = append(relaxed, p.rule([]string{LabelZoneShort}, zoneOf))
	}
	return strict, relaxed
}

// rule makes the rule by which servers with the same text are in one group.
func (p *planning) rule(labels []string, text func(map[string]string) (string, bool)) rule {
	r := rule{labels: labels, groups: make([]int, len(p.picture.servers))}
	numbers := map[string]int{}
	for i := range p.picture.servers {
		r.groups[i] = unlabelled
		of, labelled := text(p.desired.GetServerMetadata()[string(p.picture.servers[i].Name)].GetLabels())
		if !labelled {
			continue
		}
		if _, known := numbers[of]; !known {
			numbers[of] = len(numbers)
		}
		r.groups[i] = numbers[of]
	}
	return r
}

// agreement is a text that servers have in common that agree in all of some labels.
func agreement(have map[string]string, labels []string) (string, bool) {
	values := make([]string, len(labels))
	for i, label := range labels {
		value, told := have[label]
		if !told {
			return "", false
		}
		values[i] = value
	}
	return strings.Join(values, "\x00"), true
}

// zoneOf is a server's zone.
func zoneOf(have map[string]string) (string, bool) {
	if zone, told := have[LabelZone]; told {
		return zone, true
	}
	zone, told := have[LabelZoneShort]
	return zone, told
}

// clashes counts with how many servers of an ensemble, but for one that leaves it, a
// server would clash, by some rules.
func clashes(rules []rule, server int, ensemble []int, leaving int) int {
	count := 0
	for i := range rules {
		group := rules[i].groups[server]
		if group == unlabelled {
			continue
		}
		for _, other := range ensemble {
			if other != leaving && other != server && rules[i].groups[other] == group {
				count++
			}
		}
	}
	return count
}
