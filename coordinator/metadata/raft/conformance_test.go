package raft

import (
	"fmt"
	"testing"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/conformance"
)

func TestConformance(t *testing.T) {
	for _, members := range []int{1, 3} {
		t.Run(fmt.Sprint(members), func(t *testing.T) {
			conformance.Run(t, func(t *testing.T) func() metadata.Provider {
				c := newCluster(t, members)
				fans := make([]*fan, members)
				for i, n := range c.members {
					fans[i] = newFan(n.Member)
					t.Cleanup(fans[i].close)
				}
				opened := 0
				return func() metadata.Provider {
					opened++
					i := opened % members
					return fans[i].open(c.members[i].Member)
				}
			})
		})
	}
}
