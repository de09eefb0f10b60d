package grpc

import (
	"context"
	"fmt"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/replication"
)

// What both ends say of themselves in metadata when a lane is opened. Names travel
// as bytes, since headers are ASCII.
const (
	keyServer  = "ostraka-server-bin"
	keyRun     = "ostraka-run"
	keyCluster = "ostraka-cluster-bin"
	// keyTo is whom the caller means to reach: an address may come to be another
	// server's.
	keyTo = "ostraka-to-bin"
)

// greeting is one end's.
type greeting struct {
	server  replication.ServerID
	run     replication.RunID
	cluster string
	to      replication.ServerID
}

func (g greeting) metadata() metadata.MD {
	return metadata.Pairs(
		keyServer, string(g.server), keyRun, strconv.FormatUint(uint64(g.run), 10),
		keyCluster, g.cluster, keyTo, string(g.to),
	)
}

// greeted reads the other end's.
func greeted(md metadata.MD) (greeting, error) {
	text := map[string]string{}
	for _, key := range []string{keyServer, keyRun, keyCluster, keyTo} {
		values := md.Get(key)
		if len(values) != 1 || len(values[0]) > maxNameBytes {
			return greeting{}, fmt.Errorf("the greeting has %d values of %s; want one of at most %d bytes: is this a server of Ostraka?",
				len(values), key, maxNameBytes)
		}
		text[key] = values[0]
	}
	run, err := strconv.ParseUint(text[keyRun], 10, 64)
	if err != nil || run == 0 || text[keyServer] == "" {
		return greeting{}, fmt.Errorf("the greeting is of %q in run %q", text[keyServer], text[keyRun])
	}
	return greeting{
		server: replication.ServerID(text[keyServer]), run: replication.RunID(run),
		cluster: text[keyCluster], to: replication.ServerID(text[keyTo]),
	}, nil
}

// say is what this process says to a peer.
func (t *Transport) say(to replication.ServerID) metadata.MD {
	self := t.options.Self
	return greeting{server: self.ID, run: self.Run, cluster: t.options.Cluster(), to: to}.metadata()
}

// check returns why this process has nothing to say to whoever greets, or nil.
func (t *Transport) check(g greeting) error {
	if own := t.options.Self.ID; g.to != own {
		return fmt.Errorf("this is %q and not %q: look at the addresses in the cluster's configuration", own, g.to)
	}
	if g.server == t.options.Self.ID {
		return fmt.Errorf("%q is this very server's name: every server needs a name of its own", g.server)
	}
	return t.sameCluster(g.cluster)
}

// sameCluster returns an error if both ends know their clusters, and differ.
func (t *Transport) sameCluster(theirs string) error {
	if ours := t.options.Cluster(); ours != "" && theirs != "" && ours != theirs {
		return fmt.Errorf("%q belongs to cluster %q, the other end to cluster %q: a disk is of one cluster for ever; "+
			"start one of them with an empty data directory, or mend the address", t.options.Self.ID, ours, theirs)
	}
	return nil
}

// greetedBy reads and checks what a caller says. The error is a status.
func (t *Transport) greetedBy(ctx context.Context) (greeting, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	g, err := greeted(md)
	if err != nil {
		return greeting{}, status.Error(codes.InvalidArgument, err.Error())
	}
	if err := t.check(g); err != nil {
		return greeting{}, status.Error(codes.FailedPrecondition, err.Error())
	}
	return g, nil
}
