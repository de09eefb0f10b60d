package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/config"
	"github.com/ostraka-db/ostraka/replication"
)

// placement spreads the replicas of one new namespace over the servers, those which
// have the fewest first.
type placement struct {
	factor  int
	servers []candidate
	rules   []*api.AntiAffinity
}

// candidate is a server that may be given replicas.
type candidate struct {
	name   replication.ServerID
	labels map[string]string
	// order is the server's place in the configuration.
	order int
	// replicas are those that it was given at first in all namespaces, leads those of
	// them that were to lead; here are its replicas of the new namespace.
	replicas, leads, here int
}

func newPlacement(desired *api.ClusterConfiguration, status *Status, wanted *api.Namespace) *placement {
	p := &placement{factor: int(wanted.GetReplicationFactor()), rules: wanted.GetAntiAffinities()}
	for i, s := range desired.GetServers() {
		name := config.ServerName(s)
		p.servers = append(p.servers, candidate{
			name: replication.ServerID(name), order: i, labels: desired.GetServerMetadata()[name].GetLabels(),
		})
	}
	for _, n := range status.Namespaces {
		for _, shard := range n.Shards {
			p.count(shard.Ensemble, 0)
		}
	}
	return p
}

// count takes note of an ensemble.
func (p *placement) count(ensemble []replication.ServerID, here int) {
	for i, name := range ensemble {
		at := slices.IndexFunc(p.servers, func(c candidate) bool { return c.name == name })
		if at < 0 {
			continue
		}
		p.servers[at].replicas++
		p.servers[at].here += here
		if i == 0 {
			p.servers[at].leads++
		}
	}
}

// ensemble returns the servers of the next shard, the one to lead first, or what is
// missing for it.
func (p *placement) ensemble() ([]replication.ServerID, string) {
	var chosen []candidate
	for len(chosen) < p.factor {
		next, found := p.best(chosen)
		if !found {
			return nil, p.missing(len(chosen))
		}
		chosen = append(chosen, next)
	}
	// Elections that begin together choose the first of those that are equal.
	first := slices.MinFunc(chosen, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.leads, b.leads), cmp.Compare(a.order, b.order)) })
	names := []replication.ServerID{first.name}
	for _, c := range chosen {
		if c.name != first.name {
			names = append(names, c.name)
		}
	}
	p.count(names, 1)
	return names, ""
}

// best returns the best server for one more replica beside those chosen.
func (p *placement) best(chosen []candidate) (candidate, bool) {
	var fit []candidate
	for _, c := range p.servers {
		if !slices.ContainsFunc(chosen, func(o candidate) bool { return o.name == c.name }) && p.clashes(c, chosen, config.ModeStrict) == 0 {
			fit = append(fit, c)
		}
	}
	if len(fit) == 0 {
		return candidate{}, false
	}
	return slices.MinFunc(fit, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(p.clashes(a, chosen, config.ModeRelaxed), p.clashes(b, chosen, config.ModeRelaxed)),
			cmp.Compare(a.here, b.here),
			cmp.Compare(a.replicas, b.replicas),
			cmp.Compare(a.order, b.order))
	}), true
}

// clashes counts the rules of a mode that keep a server apart from those chosen.
func (p *placement) clashes(c candidate, chosen []candidate, mode string) int {
	count := 0
	for _, rule := range p.rules {
		if rule.GetMode() == mode && slices.ContainsFunc(chosen, func(o candidate) bool { return agree(c, o, rule.GetLabels()) }) {
			count++
		}
	}
	return count
}

// agree reports whether two servers have the same value in all of some labels. One
// that lacks a label agrees with nobody.
func agree(a, b candidate, labels []string) bool {
	return !slices.ContainsFunc(labels, func(label string) bool {
		value, told := a.labels[label]
		return !told || b.labels[label] != value
	})
}

// missing says why there is no server for one more replica.
func (p *placement) missing(chosen int) string {
	if len(p.servers) < p.factor {
		return fmt.Sprintf("it needs %d servers, and there are %d", p.factor, len(p.servers))
	}
	var labels []string
	for _, rule := range p.rules {
		if rule.GetMode() == config.ModeStrict {
			labels = append(labels, strings.Join(rule.GetLabels(), "+"))
		}
	}
	return fmt.Sprintf("its anti-affinity (%s, strict) leaves servers for %d of %d replicas: label more servers apart, or make it relaxed",
		strings.Join(labels, ", "), chosen, p.factor)
}
