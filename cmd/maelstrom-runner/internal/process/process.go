package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

const (
	maxLine     = 16 << 20 // bytes of a line that a node prints
	maxLog      = 1 << 30  // bytes of a node's log file, per run of the program
	rememberErr = 32       // lines of standard error shown when a node ends by itself
)

// Spec says what to run.
type Spec struct {
	Node string // its id
	Bin  string
	Args []string
	Dir  string // working directory
	Log  string // file that standard error is appended to
}

// Hooks are called from the process's goroutines.
type Hooks struct {
	Stderr   func(line string)
	Protocol func(err error)
	Exited   func(err error)
}

// Process is one run of a node's program.
type Process struct {
	spec  Spec
	net   *network.Network
	hooks Hooks
	cmd   *exec.Cmd

	stdin          *os.File
	stdout, stderr *os.File
	log            *logFile

	killed atomic.Bool
	done   chan struct{}
}

// Start runs the program and connects it to the network through inbox.
func Start(spec Spec, net *network.Network, inbox *network.Inbox, hooks Hooks) (*Process, error) {
	log, err := openLog(spec.Log)
	if err != nil {
		return nil, err
	}
	p := &Process{spec: spec, net: net, hooks: hooks, log: log, done: make(chan struct{})}
	if err := p.launch(); err != nil {
		return nil, errors.Join(fmt.Errorf("start node %s: %w", spec.Node, err), log.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	var io sync.WaitGroup
	io.Go(func() { p.feed(ctx, inbox) })
	io.Go(p.readMessages)
	io.Go(p.readLog)
	go p.await(stop, &io)
	return p, nil
}

// launch starts the program with pipes of our own: the pipes of os/exec cannot be
// read to their end and waited for at the same time.
func (p *Process) launch() error {
	var ends [6]*os.File // read and write end of stdin, stdout, stderr
	closeAll := func() {
		for _, f := range ends {
			if f != nil {
				_ = f.Close() // an end that was never used
			}
		}
	}
	for i := 0; i < len(ends); i += 2 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll()
			return fmt.Errorf("make a pipe: %w", err)
		}
		ends[i], ends[i+1] = r, w
	}
	p.cmd = exec.Command(p.spec.Bin, p.spec.Args...)
	p.cmd.Dir = p.spec.Dir
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = ends[0], ends[3], ends[5]
	// A group of its own, so that Kill reaches what a wrapper script started, and an
	// interrupt at the terminal reaches the bench alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		closeAll()
		return err
	}
	p.stdin, p.stdout, p.stderr = ends[1], ends[2], ends[4]
	for _, theirs := range []*os.File{ends[0], ends[3], ends[5]} {
		_ = theirs.Close() // the program holds its own copy
	}
	return nil
}

// Done is closed when the program has ended and everything it printed is dealt with.
func (p *Process) Done() <-chan struct{} { return p.done }

// Kill ends the program at once and waits for Done.
func (p *Process) Kill() {
	p.killed.Store(true)
	p.signal(syscall.SIGKILL)
	<-p.done
}

// Pause stops the program where it is.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets a paused program go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(sig syscall.Signal) {
	select {
	case <-p.done:
		return // its id may belong to someone else by now
	default:
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, sig) // fails only if nobody is left to hear it
}

// await is the owner of the other goroutines.
func (p *Process) await(stop context.CancelFunc, io *sync.WaitGroup) {
	err := p.cmd.Wait()
	p.signal(syscall.SIGKILL) // what a wrapper script left behind holds our pipes open
	stop()
	_ = p.stdin.Close() // wakes a feed that is blocked on a full pipe
	io.Wait()
	_, _ = p.stdout.Close(), p.stderr.Close()
	if err := p.log.Close(); err != nil {
		p.hooks.Protocol(fmt.Errorf("node %s: %w", p.spec.Node, err))
	}
	if !p.killed.Load() {
		p.hooks.Exited(exitError(p.spec, err, p.log.last()))
	}
	close(p.done)
}

func (p *Process) feed(ctx context.Context, inbox *network.Inbox) {
	var line []byte
	for {
		m, err := inbox.Recv(ctx)
		if err != nil {
			return
		}
		line = m.AppendLine(line[:0])
		if _, err := p.stdin.Write(line); err != nil {
			return // the program is ending, or no longer listens
		}
	}
}

func (p *Process) readMessages() {
	err := eachLine(p.stdout, maxLine, func(line []byte, whole bool) {
		if !whole && p.killed.Load() {
			return
		}
		if err := p.forward(line); err != nil {
			p.hooks.Protocol(fmt.Errorf("node %s printed: %s\n%w", p.spec.Node, clip(line), err))
		}
	})
	if err != nil {
		p.hooks.Protocol(fmt.Errorf("node %s: read its standard output: %w", p.spec.Node, err))
		_, _ = io.Copy(io.Discard, p.stdout) // so that it does not block; it is invalid anyway
	}
}

func (p *Process) forward(line []byte) error {
	m, err := message.Parse(line)
	if err != nil {
		return err
	}
	// A node may speak in another's name, and some do: they pass a client's request on as
	// if it came from the client. Maelstrom asks only that the source exists.
	return p.net.Send(m)
}

func (p *Process) readLog() {
	err := eachLine(p.stderr, maxLine, func(line []byte, _ bool) {
		p.log.write(line)
		p.hooks.Stderr(string(line))
	})
	if err != nil {
		p.log.write([]byte("(the bench stopped reading here: " + err.Error() + ")"))
		_, _ = io.Copy(io.Discard, p.stderr)
	}
}
