package child

import (
	"errors"
	"os/exec"
	"runtime"
	"sync"
)

// Nursery starts children and ends them together.
type Nursery struct {
	starts chan start

	mu       sync.Mutex
	closed   bool
	children map[*Process]struct{}
	forker   sync.WaitGroup
}

type start struct {
	cmd  *exec.Cmd
	done chan error
}

// errClosed is what comes of a start after Close.
var errClosed = errors.New("child: the nursery is closed")

// NewNursery returns an empty one. Close it when done.
//
// The kernel signals a child when the thread that forked it ends, and Go ends threads when it likes. So all children are
// forked by one goroutine that keeps its thread until Close.
func NewNursery() *Nursery {
	n := &Nursery{starts: make(chan start), children: map[*Process]struct{}{}}
	n.forker.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		for s := range n.starts {
			s.done <- s.cmd.Start()
		}
	})
	return n
}

// fork starts the command on the forker's thread.
func (n *Nursery) fork(p *Process) error {
	n.mu.Lock()
	defer n.mu.Unlock() // one start at a time, and none after Close
	if n.closed {
		return errClosed
	}
	s := start{p.cmd, make(chan error, 1)}
	n.starts <- s
	if err := <-s.done; err != nil {
		return err
	}
	n.children[p] = struct{}{}
	return nil
}

// Close kills every child that still runs and waits for the end of all.
func (n *Nursery) Close() {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.closed = true
	children := make([]*Process, 0, len(n.children))
	for p := range n.children {
		children = append(children, p)
	}
	n.mu.Unlock()
	for _, p := range children {
		p.Kill()
	}
	for _, p := range children {
		<-p.Done()
	}
	close(n.starts)
	n.forker.Wait()
}

// forget drops a child that has ended.
func (n *Nursery) forget(p *Process) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.children, p)
}
