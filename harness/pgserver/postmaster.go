//go:build unix

package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// How long a postmaster gets to end of itself, and then to end at once, before it is killed.
const (
	fastTimeout      = 5 * time.Second
	immediateTimeout = 3 * time.Second
)

// child is a process that cannot outlive us, where the system offers that.
type child struct {
	pid  int
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // of its end; to be read after done
}

// spawn starts a child. When this process dies the kernel sends the child the signal.
//
// The kernel, though, looks at the thread that forked, and Go ends threads when it likes. So a goroutine that is locked
// to its thread forks, and stays until the child has ended.
func spawn(cmd *exec.Cmd, onDeath syscall.Signal) (*child, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	endWithUs(cmd.SysProcAttr, onDeath)
	c := &child{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			c.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// ended waits for the child to end, but not longer than that.
func (c *child) ended(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// signal sends the child a signal; none if it has ended.
func (c *child) signal(s syscall.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// endGroup ends a child that has children of its own, initdb. It leads a process group (see account.attr).
//
// It alone is told: it ends after its present step, and its children when it does not talk to them any more. Told
// themselves, they would end without giving back their shared memory, which nobody could find again. So this takes part
// of a second; what is then still there is killed.
func (c *child) endGroup() {
	_ = c.signal(syscall.SIGTERM)
	c.ended(fastTimeout)
	for deadline := time.Now().Add(immediateTimeout); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if err := syscall.Kill(-c.pid, 0); errors.Is(err, syscall.ESRCH) {
			break
		}
	}
	_ = syscall.Kill(-c.pid, syscall.SIGKILL)
	<-c.done
}

// stopPostmaster ends a postmaster: sessions are cut off and the data written; if that takes too long, at once; if even
// that does, by force. Only the last may leave something outside its folder (see forgetCrash).
func (c *child) stopPostmaster() error {
	steps := []struct {
		signal syscall.Signal
		within time.Duration
	}{
		{syscall.SIGINT, fastTimeout},
		{syscall.SIGQUIT, immediateTimeout},
		{syscall.SIGKILL, immediateTimeout},
	}
	for _, step := range steps {
		if err := c.signal(step.signal); err != nil {
			return fmt.Errorf("stop postmaster %d: %w", c.pid, err)
		}
		if c.ended(step.within) {
			return nil
		}
	}
	return fmt.Errorf("postmaster %d does not end, not even when killed", c.pid)
}
