package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/api"
)

// changeItem is one thing that is not as it was.
type changeItem struct {
	Time   string `json:"time"`
	About  string `json:"about"`
	What   string `json:"what"`
	Before string `json:"before"`
	After  string `json:"after"`
}

var changeColumns = []string{"TIME", "ABOUT", "WHAT", "BEFORE", "AFTER"}

func (c changeItem) Row() []string {
	return []string{c.Time, c.About, c.What, orNone(c.Before), orNone(c.After)}
}

// aspect is a side of a thing of which changes are told.
type aspect[T any] struct {
	what string
	text func(T) string
	// key is what changes when there is a change to be told; the text if it is nil.
	key func(T) string
}

// whether something is there at all is told as this.
const (
	existence = "is there"
	present   = "yes"
	absent    = "no"
)

var memberAspects = []aspect[memberItem]{
	{what: "state", text: func(m memberItem) string { return m.State }},
	{what: "problem", text: func(m memberItem) string { return m.Problem }},
	{what: "draining", text: func(m memberItem) string { return yesNo(m.Draining) }},
	{what: "replicas", text: func(m memberItem) string { return number(m.Replicas) }},
	{what: "leads", text: func(m memberItem) string { return number(m.Leaderships) }},
	{what: "public", text: func(m memberItem) string { return m.Public }},
	{what: "internal", text: func(m memberItem) string { return m.Internal }},
	{what: "labels", text: func(m memberItem) string { return pairs(m.Labels) }},
	{what: "features", text: func(m memberItem) string { return strings.Join(m.Features, ",") }},
}

var shardAspects = []aspect[shardItem]{
	{what: "term", text: func(s shardItem) string { return number(s.Term) }},
	{what: "leader", text: func(s shardItem) string { return s.Leader }},
	{what: "ensemble", text: shardItem.members},
	{what: "wanted", text: func(s shardItem) string { return strings.Join(s.Wanted, ",") }},
	// The figures in the reasons change all the time.
	{what: "state", text: shardItem.state, key: func(s shardItem) string {
		var kinds []string
		for _, reason := range s.Unsteady {
			kinds = append(kinds, reason.Kind)
		}
		return fmt.Sprint(kinds, s.Deleted, s.Recovered)
	}},
}

var overviewAspects = []aspect[*api.ClusterOverview]{
	{what: "leading coordinator", text: func(o *api.ClusterOverview) string {
		for _, c := range o.GetCoordinators() {
			if c.GetLeads() {
				return c.GetName()
			}
		}
		return ""
	}},
	{what: "configuration problem", text: (*api.ClusterOverview).GetConfigurationProblem},
	{what: "cannot be", text: func(o *api.ClusterOverview) string {
		var all []string
		for _, n := range o.GetNotes() {
			all = append(all, n.GetAbout()+": "+n.GetText())
		}
		return strings.Join(all, "; ")
	}},
	{what: "unsafe recoveries", text: func(o *api.ClusterOverview) string { return number(uint32(len(o.GetRecoveries()))) }},
}

// difference tells what of a cluster is not as it was.
func difference(before, after *picture) []changeItem {
	changes := differing("cluster", before.overview, after.overview, overviewAspects)
	changes = append(changes, differingAll("server ", membersByName(before), membersByName(after), memberAspects)...)
	return append(changes, differingAll("shard ", shardsByName(before), shardsByName(after), shardAspects)...)
}

func membersByName(p *picture) map[string]memberItem {
	all := map[string]memberItem{}
	for _, s := range p.servers {
		all[s.GetServer()] = memberOf(s)
	}
	return all
}

func shardsByName(p *picture) map[string]shardItem {
	all := map[string]shardItem{}
	for _, s := range p.shards {
		item := shardOf(s)
		all[item.Shard] = item
	}
	return all
}

// differingAll compares what there is of a kind, in the order of names.
func differingAll[T any](kind string, before, after map[string]T, aspects []aspect[T]) []changeItem {
	names := slices.Collect(maps.Keys(before))
	for name := range after {
		if _, known := before[name]; !known {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, cmp.Compare)
	var changes []changeItem
	for _, name := range names {
		one, was := before[name]
		other, is := after[name]
		switch {
		case !is:
			changes = append(changes, changeItem{About: kind + name, What: existence, Before: present, After: absent})
		case !was:
			changes = append(changes, changeItem{About: kind + name, What: existence, Before: absent, After: present})
		default:
			changes = append(changes, differing(kind+name, one, other, aspects)...)
		}
	}
	return changes
}

func differing[T any](about string, before, after T, aspects []aspect[T]) []changeItem {
	var changes []changeItem
	for _, a := range aspects {
		key := a.key
		if key == nil {
			key = a.text
		}
		if key(before) != key(after) {
			changes = append(changes, changeItem{About: about, What: a.what, Before: a.text(before), After: a.text(after)})
		}
	}
	return changes
}
