package live

import (
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
)

// What faults do to machines that go on to be machines. Each reports whether there was something to do it to.

// stallIfDue stops an agent that comes up while a fault has its workspace's agent stopped.
func (b *machine) stallIfDue() {
	due := false
	b.world.faults.ask(func(s *fault.Set) { due = s.Stalled(b.ws) > 0 })
	if due {
		b.world.tasks.Go(func() { b.stall() }) // not in the hearing of its own report
	}
}

// stall stops the agent.
func (b *machine) stall() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || !b.up || b.stalled || b.process == nil || b.process.Stop() != nil {
		return false
	}
	b.stalled = true
	return true
}

// goOn lets a stopped agent go on.
func (b *machine) goOn() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stalled {
		b.stalled = false
		b.process.Continue() //nolint:errcheck // it has died, then, or is paused: see unpause
	}
	return true
}

// pause pauses the machine.
func (b *machine) pause() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.paused || b.process == nil || b.process.Pause() != nil {
		return false
	}
	b.paused = true
	return true
}

// unpause lets a paused machine go on.
func (b *machine) unpause() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.paused {
		return false
	}
	b.paused = false
	b.process.Unpause() //nolint:errcheck // it has died, then
	if c, contained := b.process.(container); contained && b.up && !b.stalled {
		c.Continue() //nolint:errcheck // its stop may have ended while nothing could be executed
	}
	return true
}

// pauses reports whether a fault has a machine paused that begins to run now, and strikes then.
func (b *machine) pauses() (due bool) {
	if b.ws > 0 {
		b.world.faults.ask(func(s *fault.Set) { due = s.Paused(b.ws) > 0 })
	}
	return due
}

// restart has all that runs on the machine begin anew.
func (b *machine) restart() bool {
	switch {
	case b.world.site != nil:
		return b.world.site.restart(b)
	case !b.kill(false):
		return false
	default:
		b.again()
	}
	return true
}

// kill kills the process of a machine that goes on, and reports whether there was one.
func (b *machine) kill(starved bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.process == nil {
		return false
	}
	b.process.Kill()
	b.process, b.up, b.stalled, b.paused, b.starved = nil, false, false, false, starved
	return true
}

// again boots the machine whose process was killed.
func (b *machine) again() {
	w := b.world
	w.tasks.Go(func() {
		b.mu.Lock()
		done := b.done
		b.mu.Unlock()
		if done != nil {
			<-done
		}
		if b.unfed() {
			return // it comes up when that is over
		}
		if b.live() {
			b.mu.Lock()
			b.up = false // whatever was heard of it since it was killed
			b.mu.Unlock()
			b.note(history.Restarted, w.clock.now())
			b.boot(b.env)
		}
	})
}

// starves returns the fault by which the machine has too little memory for an agent now, or nil.
func (b *machine) starves() (by *fault.Fault) {
	if b.ws > 0 {
		b.world.faults.ask(func(s *fault.Set) { by = s.Starved(b.ws) })
	}
	return by
}

// unfed reports whether the machine, a process, is not to be started, since its agent would be killed for want of memory at
// once: a process has no memory of its own that could be limited.
func (b *machine) unfed() bool {
	by := b.starves()
	if by == nil {
		return false
	}
	b.mu.Lock()
	b.starved = true
	b.mu.Unlock()
	b.world.faults.ask(func(s *fault.Set) { s.Strike(by, b.ws) })
	return true
}

// starve has the agent be killed for want of memory.
func (b *machine) starve() bool {
	if s := b.world.site; s != nil {
		s.starve(b)
		return false // Docker says when it is killed
	}
	return b.kill(true)
}

// feed gives the machine its memory back.
func (b *machine) feed() bool {
	if b.starves() != nil {
		return false // by another fault
	}
	if s := b.world.site; s != nil {
		s.feed(b)
		return true
	}
	b.mu.Lock()
	starved := b.starved && !b.ended
	b.starved = false
	b.mu.Unlock()
	if starved {
		b.again()
	}
	return starved
}
