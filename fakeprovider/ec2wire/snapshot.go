package ec2wire

import (
	"container/heap"
	"fmt"
	"maps"
	"slices"
)

// maxSnapshots bounds how many snapshots are kept.
const maxSnapshots = 16

// world is all that calls can change: what a snapshot keeps.
type world struct {
	fleet     fleet
	tokens    tokens
	groups    []group
	lastGroup int
	subnets   []subnet
	keys      []keyPair
	lastKey   int
	images    map[string]map[string]string // the tags of images, by id; never altered in place
}

func newWorld(o Options) world {
	return world{
		fleet: newFleet(o.Times, o.MaxMachines), tokens: newTokens(2 * o.MaxMachines), groups: []group{defaultGroup()}, lastGroup: 1,
		subnets: defaultSubnets(o.Region), keys: keyPairsOf(o.KeyPairs), lastKey: len(o.KeyPairs),
		images: map[string]map[string]string{},
	}
}

// clone returns the same world, which goes its own way from here.
func (w *world) clone() world {
	c := world{
		fleet: newFleet(w.fleet.times, w.fleet.max), tokens: newTokens(w.tokens.max), groups: slices.Clone(w.groups), lastGroup: w.lastGroup,
		subnets: slices.Clone(w.subnets), keys: slices.Clone(w.keys), lastKey: w.lastKey, images: maps.Clone(w.images),
	}
	launches := map[*launch]*launch{}
	copyOf := func(l *launch) *launch {
		if l != nil && launches[l] == nil {
			same := *l
			launches[l] = &same
		}
		return launches[l]
	}
	for _, m := range w.fleet.order {
		same := *m
		same.Machine, same.launch, same.console = m.snapshot(), copyOf(m.launch), slices.Clone(m.console)
		c.fleet.adopt(&same)
	}
	c.fleet.seq = w.fleet.seq
	for _, token := range w.tokens.order {
		c.tokens.remember(token, copyOf(w.tokens.byToken[token]))
	}
	return c
}

// adopt makes a machine known that has its identity and its state already.
func (f *fleet) adopt(m *machine) {
	f.byID[m.ID] = m
	f.order = append(f.order, m)
	f.index.add(tokenKey(m.ClientToken), m)
	f.index.add(stateKey(m.State), m)
	for key, value := range m.Tags {
		f.index.add(tagRowKey(key, value), m)
	}
	if after, ok := f.after(m.State); ok {
		heap.Push(&f.timers, timer{m.ChangedAt.Add(after), m, m.change})
	}
}

// Reset puts the server back to its beginning: no machines, nothing that was created, the faults that it was made with. Those who
// listen are told of the end of what ran.
func (s *Server) Reset() {
	s.mu.Lock()
	s.become(newWorld(s.opt))
	s.faults, s.log = newFaultState(s.opt.Faults, s.opt.Seed), newCallLog()
	s.mu.Unlock()
	s.hooks.Drain(&s.mu)
}

// Snapshot keeps everything that calls can change under a name, in place of what was kept under it before.
func (s *Server) Snapshot(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.snapshots[name] == nil && len(s.snapshots) >= maxSnapshots {
		return fmt.Errorf("ec2wire: %d snapshots are kept already", maxSnapshots)
	}
	s.fleet.pass(s.opt.Now())
	kept := s.clone()
	s.snapshots[name] = &kept
	return nil
}

// Restore brings back what was kept under the name. Machines are in the states that they have come to since by the clock. Those who
// listen are told what ends and what boots by that. Faults stay as they are.
func (s *Server) Restore(name string) error {
	s.mu.Lock()
	kept := s.snapshots[name]
	if kept == nil {
		s.mu.Unlock()
		return fmt.Errorf("ec2wire: no snapshot %q", name)
	}
	next := kept.clone()
	next.fleet.pass(s.opt.Now())
	s.become(next)
	s.mu.Unlock()
	s.hooks.Drain(&s.mu)
	return nil
}

// become replaces the world, and tells of what runs in one of the two only.
func (s *Server) become(next world) {
	boot := func(m *machine) int { // which one runs, 0 where none does
		if m == nil || !m.State.executes() {
			return 0
		}
		return m.Boots
	}
	for _, m := range s.fleet.order {
		if boot(m) != 0 && boot(next.fleet.byID[m.ID]) != boot(m) {
			s.hooks.add(s.hooks.stopped, m)
		}
	}
	for _, m := range next.fleet.order {
		if boot(m) != 0 && boot(s.fleet.byID[m.ID]) != boot(m) {
			s.hooks.add(s.hooks.launched, m)
		}
	}
	s.world = next
}
