package raft

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// firstIndex and firstTerm are of the state that a cluster begins with.
const (
	firstIndex = 1
	firstTerm  = 1
)

// meeting is what this member says of itself.
func (m *Member) meeting() *api.RaftMeeting {
	identity := m.identity.Load()
	said := &api.RaftMeeting{
		Address: m.options.Address, Member: identity.Member, Bootstrap: m.options.Bootstrap,
		Cluster: identity.Cluster, Formed: identity.Formed,
	}
	if said.Cluster != 0 {
		members, since := m.state.Members()
		said.Members, said.Since = state.EncodeMembers(members), since
	}
	return said
}

// sameBootstrap says whether the bootstrap nodes are those who formed the cluster.
func (m *Member) sameBootstrap() error {
	identity := m.identity.Load()
	if identity.Cluster == 0 {
		return nil
	}
	if formed := addressesOf(identity.Formed); !slices.Equal(formed, m.options.Bootstrap) {
		return fmt.Errorf("the Raft directory %s is of a cluster of %s, and the bootstrap nodes are %s: "+
			"name those who formed the cluster; a member that moves keeps its name in DNS",
			m.options.Dir, strings.Join(formed, ", "), strings.Join(m.options.Bootstrap, ", "))
	}
	return nil
}

func addressesOf(members []*api.RaftMember) []string {
	addresses := make([]string, len(members))
	for i, one := range members {
		addresses[i] = one.Address
	}
	slices.Sort(addresses)
	return addresses
}

// acceptable says what is wrong with what another says of itself.
func (m *Member) acceptable(said *api.RaftMeeting) error {
	own := m.identity.Load()
	switch {
	case !isMember(said.Member) || said.Member == own.Member:
		return fmt.Errorf("%q says that it is member %x: is its directory a copy of another's?", said.Address, said.Member)
	case said.Address == m.options.Address || !slices.Contains(m.options.Bootstrap, said.Address):
		return fmt.Errorf("%q is none of the other bootstrap nodes of %s, which are %s: tell all members the same",
			said.Address, m.options.Address, strings.Join(m.options.Bootstrap, ", "))
	case !slices.Equal(said.Bootstrap, m.options.Bootstrap):
		return fmt.Errorf("the bootstrap nodes of %s are %s, and those of %s are %s: tell all members the same",
			said.Address, strings.Join(said.Bootstrap, ", "), m.options.Address, strings.Join(m.options.Bootstrap, ", "))
	case said.Cluster != 0 && own.Cluster != 0 && said.Cluster != own.Cluster:
		return fmt.Errorf("%s is a member of another cluster than %s: a directory is of one cluster for ever; "+
			"start the one that is wrong with the directory of its own cluster, or mend its address", said.Address, m.options.Address)
	}
	return nil
}

// form waits until the member is in a cluster: one that there is, or one that all
// bootstrap nodes form, none of which was in any. It returns early, without an error,
// when the member closes.
func (m *Member) form() error {
	met := map[string]*api.RaftMeeting{}
	for m.identity.Load().Cluster == 0 {
		if done, err := m.mayForm(met); done || err != nil {
			return err
		}
		select {
		case <-m.closing:
			return nil
		case err := <-m.failed:
			return err
		case e := <-m.events:
			// Who calls and is in a cluster may tell of it, too.
			if g, ok := e.(greeted); ok && (g.dialed || g.meeting.Cluster != 0) {
				met[g.meeting.Address] = g.meeting
			}
		}
	}
	return nil
}

// mayForm joins or forms a cluster, if what the others say allows it.
func (m *Member) mayForm(met map[string]*api.RaftMeeting) (done bool, err error) {
	self := m.identity.Load().Member
	fresh := []*api.RaftMember{{Member: self, Address: m.options.Address}}
	known := ""
	for address, said := range met {
		if said.Cluster == 0 {
			fresh = append(fresh, &api.RaftMember{Member: said.Member, Address: address})
			continue
		}
		isSelf := func(one *api.RaftMember) bool { return one.Member == self }
		if slices.ContainsFunc(said.Formed, isSelf) {
			return true, m.join(said.Cluster, said.Formed, true)
		}
		if slices.ContainsFunc(said.Members, isSelf) {
			return true, m.join(said.Cluster, said.Formed, false)
		}
		known = address
	}
	switch {
	case known != "":
		m.because(fmt.Errorf("%s is in a cluster that knows %s as another member: its directory is new, or was lost. "+
			"It is taken in once most of the members are up", known, m.options.Address))
	case len(fresh) < len(m.options.Bootstrap):
		m.because(fmt.Errorf("the metadata store has not formed yet: all of %s have to be up once, and %d of %d are",
			strings.Join(m.options.Bootstrap, ", "), len(fresh), len(m.options.Bootstrap)))
	case m.options.Address == m.options.Bootstrap[0]:
		// The first forms it; the others hear of it.
		return true, m.join(1+rand.Uint64N(1<<63), fresh, true)
	}
	return false, nil
}

// join makes the member one of a cluster. Who formed it begins with the state that all
// of them begin with; who was taken in later begins with nothing, and is sent the state.
func (m *Member) join(cluster uint64, formed []*api.RaftMember, first bool) error {
	var w disk.Write
	if first {
		members := state.MembersOf(formed)
		begun := state.New()
		begun.SetMembers(members, firstIndex)
		configuration := &pb.ConfState{}
		for _, one := range state.EncodeMembers(members) {
			configuration.Voters = append(configuration.Voters, one.Member)
		}
		encoded, err := proto.Marshal(configuration)
		if err != nil {
			return fmt.Errorf("form the metadata store: %w", err)
		}
		w = disk.Write{
			Install:   begun,
			HardState: &pb.HardState{Term: new(uint64(firstTerm)), Vote: new(uint64(0)), Commit: new(uint64(firstIndex))},
			Applied: &api.RaftApplied{
				Index: firstIndex, Term: firstTerm, RemovedIndex: firstIndex, RemovedTerm: firstTerm,
				Configuration: encoded, Members: state.EncodeMembers(members), Since: firstIndex,
			},
		}
		m.content.HardState, m.content.Applied = w.HardState, w.Applied
		m.state.Replace(begun)
	}
	if !m.options.alive() {
		return errors.New("killed")
	}
	if err := m.disk.Join(cluster, formed, w); err != nil {
		return err
	}
	m.identity.Store(m.disk.Identity())
	for _, p := range m.peers {
		signal(p.hopeful)
	}
	m.options.Logger.Info("in a cluster of the metadata store", "address", m.options.Address, "formed", first,
		"cluster", fmt.Sprintf("%x", cluster), "member", fmt.Sprintf("%x", m.identity.Load().Member))
	return nil
}

// errReplaced is why a member that another took the place of does not go on.
func (m *Member) errReplaced() error {
	return fmt.Errorf("another member has taken the place of this one at %s, while the Raft directory %s was away: "+
		"move that directory away, and start again", m.options.Address, m.options.Dir)
}
