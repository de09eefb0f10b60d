package raft

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/grpc/credentials"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Time goes by ticks. A leader that says nothing is replaced after electionTicks to
// twice as many, at random: 750 to 1,500 ms. One whose process has ended, so that its
// machine refuses connections, is replaced at once. What holds a process up for less
// than electionTicks deposes nobody: ticks that it missed are not counted, and what
// arrived meanwhile is looked at before the next.
const (
	tick           = 50 * time.Millisecond
	heartbeatTicks = 2
	electionTicks  = 15
	// retryTicks is after how long what was asked of a leader is asked again, at first;
	// each time it takes twice as long, up to retryTicksMost.
	retryTicks     = 5
	retryTicksMost = 40
	// replaceTicks is how often the leader tries to take in the new member of an address.
	replaceTicks = 20
	// hurryTicks is for how long members ask for votes at once that have just begun, or
	// know the leader's process to have ended.
	hurryTicks = 40
	// handOverWithin bounds the wait for another leader when the leader closes.
	handOverWithin = 500 * time.Millisecond
)

// The limits of a member.
const (
	// MaxMembers bounds the members of a cluster.
	MaxMembers = 7
	// MaxStateBytes bounds what all documents take, together: the whole state travels to
	// a member that was away for long. What does not fit is refused.
	MaxStateBytes = 64 << 20

	// maxWaiting bounds the changes that wait to be written, of each lane; callers of more
	// wait to be taken.
	maxWaiting = 1 << 14
	// commandBytes and commandChanges are when a command is full. One change may exceed
	// the bytes: a value may have 4 MiB.
	commandBytes   = 1 << 20
	commandChanges = 1 << 12
	// maxReads bounds the reads that wait together.
	maxReads = 1 << 12

	// messageBytes is how much of the log a message has, if it has several entries.
	messageBytes = 1 << 20
	// inflightMessages and inflightBytes bound what a follower is sent before it
	// acknowledges any of it.
	inflightMessages = 64
	inflightBytes    = 16 << 20
	// uncommittedBytes bounds what a leader has appended and not committed; more is
	// dropped, and asked again by who asked.
	uncommittedBytes = 64 << 20
	// maxFrameBytes bounds a message that is read: one entry of one value, at the least.
	maxFrameBytes = 2*metadata.MaxValueBytes + 2*messageBytes
	// maxSnapshotBytes bounds a message with a snapshot, partBytes its parts.
	maxSnapshotBytes = 2 * MaxStateBytes
	partBytes        = 1 << 20
	// maxQueued and maxQueuedBytes bound what waits to be sent to a member; more is
	// dropped, and sent again by Raft.
	maxQueued      = 512
	maxQueuedBytes = 32 << 20
	// maxInbox bounds the messages that wait to be looked at, and maxEvents what else
	// happens; senders wait.
	maxInbox  = 64
	maxEvents = 64
	// maxWrites bounds the writes that wait for the disk; meanwhile no message is looked
	// at.
	maxWrites = 1024

	// keepEntries and keepBytes are how much of the log is kept for members that lag. It
	// is trimmed at twice as much.
	keepEntries = 2048
	keepBytes   = 8 << 20
)

// The times of links.
const (
	// dialWithin bounds a connection's making, meetWithin a question who is there.
	dialWithin = time.Second
	meetWithin = 2 * time.Second
	// meetEvery is how often two members that are linked tell each other who they are.
	meetEvery = 2 * time.Second
	// backoffLeast and backoffMost bound the wait between two attempts.
	backoffLeast = 20 * time.Millisecond
	backoffMost  = 500 * time.Millisecond
	// handshakeWithin bounds how long a connection may take until it can be used.
	handshakeWithin = 5 * time.Second
	// idleConnection is after how long without anything the other end is tested, and
	// pingWithin how long it may take to answer. pingLeast is how often a member may test.
	idleConnection = 10 * time.Second
	pingWithin     = 5 * time.Second
	pingLeast      = 5 * time.Second
	// maxStreams bounds the calls under way on one connection.
	maxStreams = 64
	// maxHeaderBytes bounds the metadata of a call.
	maxHeaderBytes = 16 << 10
	// snapshotWithin bounds the sending of a snapshot.
	snapshotWithin = time.Minute
)

// Options are a member's. Address, Bootstrap and Dir are required.
type Options struct {
	// Address is where the other members reach this one, host:port. It is one of
	// Bootstrap.
	Address string
	// Bind is where to listen, host:port; Address if it is empty.
	Bind string
	// Bootstrap are the addresses of all members, this one's among them, in any order:
	// an odd number, for ever. All are told the same.
	Bootstrap []string
	// Dir is the member's own directory. It is made if it is missing.
	Dir string
	// ServerCredentials and ClientCredentials secure the connections that others make to
	// this member, and those that it makes; nil is none.
	ServerCredentials, ClientCredentials credentials.TransportCredentials
	// Logger is told of what concerns no call; nil is silence.
	Logger *slog.Logger

	// tick is the time of a tick, and the others are the limits of those names: less in
	// tests.
	tick        time.Duration
	stateBytes  int64
	keepEntries int
	keepBytes   int
	// fs is where Dir is: the machine's, but in tests.
	fs vfs.FS
	// dial makes connections: over TCP, but in tests.
	dial func(ctx context.Context, address string) (net.Conn, error)
	// alive is asked before each step that others or a later run could notice. A member
	// that is not any more takes none: so tests kill it.
	alive func() bool
}

func (o *Options) prepare() error {
	o.Bootstrap = slices.Sorted(slices.Values(o.Bootstrap))
	if err := CheckBootstrap(o.Bootstrap); err != nil {
		return err
	}
	if !slices.Contains(o.Bootstrap, o.Address) {
		return fmt.Errorf("this member's address %q is not among the bootstrap nodes %s: name one of them, to the letter",
			o.Address, strings.Join(o.Bootstrap, ", "))
	}
	if o.Dir == "" {
		return errors.New("the Raft directory has no name: name a directory of this member's own")
	}
	if o.Bind == "" {
		o.Bind = o.Address
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.tick == 0 {
		o.tick = tick
	}
	if o.stateBytes == 0 {
		o.stateBytes = MaxStateBytes
	}
	if o.keepEntries == 0 {
		o.keepEntries, o.keepBytes = keepEntries, keepBytes
	}
	if o.dial == nil {
		o.dial = func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialWithin}).DialContext(ctx, "tcp", address)
		}
	}
	if o.alive == nil {
		o.alive = func() bool { return true }
	}
	return nil
}

// CheckBootstrap says what is wrong with a list of bootstrap nodes.
func CheckBootstrap(nodes []string) error {
	if len(nodes) == 0 || len(nodes) > MaxMembers || len(nodes)%2 == 0 {
		return fmt.Errorf("there are %d bootstrap nodes: name 1, 3, 5 or %d; an even number survives no more than one less", len(nodes), MaxMembers)
	}
	for i, node := range nodes {
		host, port, err := net.SplitHostPort(node)
		if err != nil || host == "" || port == "" || port == "0" || strings.ContainsAny(node, " \n,") {
			return fmt.Errorf("bootstrap node %q: must be host:port, as the other members reach it", node)
		}
		if slices.Contains(nodes[:i], node) {
			return fmt.Errorf("bootstrap node %q is named twice: each member has an address of its own", node)
		}
	}
	return nil
}
