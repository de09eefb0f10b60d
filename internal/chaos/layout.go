package chaos

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/internal/cluster"
)

// layout is where a cluster's replicas are, as the servers themselves tell.
type layout struct {
	// replicas and leads count a server's, by its name.
	replicas, leads map[string]int
	// members and serving are, for each shard, who has a replica of it, and who serves.
	members, serving map[string][]string
	// behind is the largest number of entries that a member has not acknowledged, and
	// damaged counts replicas that wait for a repair.
	behind  float64
	damaged int
}

// scrapeWithin bounds the question to one server.
const scrapeWithin = 5 * time.Second

// layoutOf asks every server that there is.
func layoutOf(ctx context.Context, c *cluster.Cluster) (*layout, error) {
	l := &layout{
		replicas: map[string]int{}, leads: map[string]int{}, members: map[string][]string{}, serving: map[string][]string{},
	}
	for _, s := range c.Servers() {
		asking, cancel := context.WithTimeout(ctx, scrapeWithin)
		samples, err := s.Scrape(asking)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("the metrics of %s: %w", s.Name, err)
		}
		l.replicas[s.Name], l.leads[s.Name] = 0, 0
		for _, one := range samples {
			l.take(s.Name, one)
		}
	}
	return l, nil
}

func (l *layout) take(server string, one cluster.Sample) {
	shard := one.Labels["namespace"] + "/" + one.Labels["shard"]
	switch one.Name {
	case "ostraka_replica_role":
		l.replicas[server]++
		l.members[shard] = append(l.members[shard], server)
	case "ostraka_replica_serving":
		if one.Value == 1 {
			l.leads[server]++
			l.serving[shard] = append(l.serving[shard], server)
		}
	case "ostraka_replica_member_lag_entries":
		l.behind = max(l.behind, one.Value)
	case "ostraka_replica_damaged":
		l.damaged += int(one.Value)
	}
}

// String tells how many replicas each server has, and of how many it leads the shards.
func (l *layout) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(l.replicas)) {
		parts = append(parts, fmt.Sprintf("%s has %d and leads %d", name, l.replicas[name], l.leads[name]))
	}
	return strings.Join(parts, ", ")
}

// closeBehind is how many entries a member may lack that counts as caught up, while
// clients go on writing.
const closeBehind = 2000

// problem says why the layout is not what it is to be once a cluster has come to rest:
// so many shards, each with so many replicas on the wanted servers, nothing anywhere
// else, one leader, and the replicas spread so that the servers' numbers differ by at
// most a spread. Empty if it is.
func (l *layout) problem(wanted []string, shards, replication, spread int) string {
	if len(l.members) != shards {
		return fmt.Sprintf("there are replicas of %d shards, of %d", len(l.members), shards)
	}
	for shard, members := range l.members {
		if len(members) != replication || len(l.serving[shard]) != 1 {
			return fmt.Sprintf("shard %s is on %v, and %v serve it", shard, members, l.serving[shard])
		}
	}
	least, most := len(l.members)*replication, 0
	for name, count := range l.replicas {
		if !slices.Contains(wanted, name) {
			if count > 0 {
				return fmt.Sprintf("%s still has %d replicas", name, count)
			}
			continue
		}
		least, most = min(least, count), max(most, count)
	}
	switch {
	case most-least > spread:
		return "the replicas are not spread: " + l.String()
	case l.behind > closeBehind:
		return fmt.Sprintf("a member is %.0f entries behind", l.behind)
	case l.damaged > 0:
		return fmt.Sprintf("%d replicas wait for a repair", l.damaged)
	}
	return ""
}

// uneven says why the leaderships are not spread so that the servers' numbers differ by
// one at most. Empty if they are.
func (l *layout) uneven() string {
	counts := slices.Collect(maps.Values(l.leads))
	if slices.Max(counts)-slices.Min(counts) > 1 {
		return "the leaderships are not spread: " + l.String()
	}
	return ""
}

// awaitLayout waits until a cluster has come to rest. What it waits for is looked at
// every so often; the error says what it was like last.
func awaitLayout(ctx context.Context, c *cluster.Cluster, within time.Duration, problem func(*layout) string) (*layout, error) {
	last := ""
	for begun := time.Now(); ; {
		l, err := layoutOf(ctx, c)
		if err != nil {
			last = err.Error()
		} else if last = problem(l); last == "" {
			return l, nil
		}
		if err := c.Failed(); err != nil {
			return nil, err
		}
		if time.Since(begun) > within || !sleepUntil(ctx, time.Now().Add(lookEvery)) {
			return nil, fmt.Errorf("after %v: %s", within, last)
		}
	}
}

// lookEvery is how often a cluster is looked at that is waited for.
const lookEvery = 200 * time.Millisecond
