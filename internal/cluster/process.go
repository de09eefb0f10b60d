package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Process is one program, which may be started again after it ended. Its methods may
// be called from any goroutine.
type Process struct {
	// Name is who it is for links and messages.
	Name string
	path string
	args []string
	log  *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd
	ended  chan struct{}
	err    error
	paused bool
	// wanted says that the process was told to end, so that it may.
	wanted bool
}

// newProcess returns a process that is not started. What it prints is appended to a
// file.
func newProcess(name, logPath, path string, args ...string) (*Process, error) {
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &Process{Name: name, path: path, args: args, log: log}, nil
}

// Start starts the process, which must not be running.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return fmt.Errorf("%s is running", p.Name)
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	// It shall not outlive a test that is killed.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended, p.paused, p.wanted = cmd, ended, false, false
	go func() {
		err := cmd.Wait()
		p.mu.Lock()
		p.err = err
		p.mu.Unlock()
		close(ended)
	}()
	return nil
}

// running must be called with mu held.
func (p *Process) running() bool {
	if p.ended == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Running reports whether the process is there, paused or not.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running()
}

// Paused reports whether the process is stopped by Pause.
func (p *Process) Paused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.running() && p.paused
}

// Kill ends the process as kill -9 does, and waits until it is gone. One that does
// not run is left alone.
func (p *Process) Kill() error {
	ended, err := p.signal(syscall.SIGKILL)
	if ended != nil {
		<-ended
	}
	return err
}

// Terminate asks the process to end, and kills it if it does not within a time. The
// error says so, or with what it ended.
func (p *Process) Terminate(within time.Duration) error {
	ended, err := p.signal(syscall.SIGTERM)
	if err != nil || ended == nil {
		return err
	}
	select {
	case <-ended:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-time.After(within):
		return errors.Join(fmt.Errorf("%s did not end within %v of SIGTERM", p.Name, within), p.Kill())
	}
}

// Pause stops the process where it is, as SIGSTOP does.
func (p *Process) Pause() error {
	_, err := p.signal(syscall.SIGSTOP)
	return err
}

// Resume lets a paused process go on.
func (p *Process) Resume() error {
	_, err := p.signal(syscall.SIGCONT)
	return err
}

// signal sends a signal, and returns what is closed when the process has ended; nil
// if it does not run.
func (p *Process) signal(sig syscall.Signal) (<-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return nil, nil
	}
	switch sig {
	case syscall.SIGSTOP, syscall.SIGCONT:
		p.paused = sig == syscall.SIGSTOP
	default:
		p.wanted = true
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return nil, fmt.Errorf("%s: %v: %w", p.Name, sig, err)
	}
	return p.ended, nil
}

// Failed returns with what the process ended although nobody told it to; nil if it
// did not.
func (p *Process) Failed() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended == nil || p.running() || p.wanted {
		return nil
	}
	return fmt.Errorf("%s ended by itself: %v; its output is in %s", p.Name, p.err, p.log.Name())
}

// pid is the process's number, zero if it does not run.
func (p *Process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	return p.cmd.Process.Pid
}

// close kills the process, and closes its log.
func (p *Process) close() error { return errors.Join(p.Kill(), p.log.Close()) }
