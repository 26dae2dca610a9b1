package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stopper turns signals into an end that leaves nothing at a target. The first one ends what is played, and everything is deleted;
// one more, after a second, ends that as well, and what is left is listed. Signals within the second are the same wish: terminals,
// shells and CI services send several.
type stopper struct {
	ctx    context.Context //nolint:containedctx // it is the command's, as these signals end it
	again  func()          // called by the second one; set before it can come
	cancel context.CancelFunc
	caught chan os.Signal
	done   chan struct{}
	once   sync.Once
}

const sameWish = time.Second

func newStopper(parent context.Context, s streams) *stopper {
	x := &stopper{caught: make(chan os.Signal, 8), done: make(chan struct{}), again: func() {}}
	x.ctx, x.cancel = context.WithCancel(parent)
	signal.Notify(x.caught, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		var first time.Time
		for {
			select {
			case <-x.done:
				return
			case <-parent.Done():
				// The program's own handler has seen the first one.
			case <-x.caught:
			}
			switch {
			case first.IsZero():
				first = time.Now()
				fmt.Fprintln(s.err, "bootrace: stopping, and deleting what was created; one more signal lists what is left instead")
				x.cancel()
			case time.Since(first) > sameWish:
				x.again()
				return
			}
			parent = context.WithoutCancel(parent)
		}
	}()
	return x
}

func (x *stopper) close() {
	x.once.Do(func() {
		signal.Stop(x.caught)
		close(x.done)
		x.cancel()
	})
}
