package live

import (
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
)

// unplugs reports whether the fault takes machines off the network. A partition that lies between the machines and some of
// the replicas does not: it is the gateway's.
func (s *site) unplugs(x *fault.Fault) bool { return x.Kind == "partition" && x.Replica == 0 }

// unplug takes the machine off the network to the controller, and reports whether it was on it.
func (s *site) unplug(b *machine) bool {
	s.mu.Lock()
	cuts := s.cuts[b.id]
	if n := len(cuts); n > 0 && cuts[n-1].until.IsZero() {
		s.mu.Unlock()
		return false
	}
	s.cuts[b.id] = append(cuts, window{from: time.Now()})
	s.mu.Unlock()
	s.turn.Lock()
	err := s.inner.Disconnect(s.world.ctx, b.id)
	s.turn.Unlock()
	s.mu.Lock()
	s.cuts[b.id][len(s.cuts[b.id])-1].from = time.Now()
	s.mu.Unlock()
	if err != nil {
		if s.world.ctx.Err() == nil && b.live() {
			s.world.broken("taking machine %s off its network: %w", b.id, err)
		}
		return false
	}
	return true
}

// plug puts the machine back onto the network, unless another fault has it off, and reports whether it did.
func (s *site) plug(b *machine) bool {
	s.mu.Lock()
	cuts := s.cuts[b.id]
	off := len(cuts) > 0 && cuts[len(cuts)-1].until.IsZero()
	s.mu.Unlock()
	if !off || s.unplugged(b) {
		return false
	}
	s.turn.Lock()
	err := s.inner.Connect(s.world.ctx, b.id)
	s.turn.Unlock()
	if err != nil {
		if s.world.ctx.Err() == nil && b.live() {
			s.world.broken("putting machine %s back onto its network: %w", b.id, err)
		}
		return false
	}
	s.mu.Lock()
	cuts[len(cuts)-1].until = time.Now()
	s.mu.Unlock()
	return true
}

// unplugged reports whether a fault has the machine off the network now.
func (s *site) unplugged(b *machine) (off bool) {
	s.world.faults.ask(func(set *fault.Set) {
		for _, x := range set.All {
			off = off || s.unplugs(x) && x.Active(s.world.clock.now()) && x.Hits(b.ws)
		}
	})
	return off
}

// unanswered notes a call that its agent made in vain while its machine was off the network, where no gateway sees it.
func (s *site) unanswered(b *machine, call string, sent, at time.Time) {
	s.mu.Lock()
	off := false
	for _, c := range s.cuts[b.id] {
		off = off || !sent.Before(c.from) && (c.until.IsZero() || sent.Before(c.until))
	}
	s.mu.Unlock()
	if off {
		s.world.notes.add(s.world.clock.at(at), history.Event{
			Kind: history.Call, Actor: history.ActorAgent, WS: b.ws, Inc: b.inc, Call: call, Sent: history.Time(s.world.clock.at(sent)),
			Err: seenTimeout,
		})
	}
}
