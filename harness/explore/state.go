package explore

import (
	"hash/maphash"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/harness/agent"
)

// rows is what is stored. It does not change: a write makes another, and equal ones are one and the same.
type rows struct {
	id    uint64
	store *memory.Store
	all   []store.Workspace
	// answers are what was asked already.
	answers map[uint64]*written
}

// written is what a call to the store did.
type written struct {
	result *result
	rows   *rows
	log    []store.Transition // what it logged
}

// fleet is the machines, in the same way.
type fleet struct {
	id        uint64
	inventory *fakeprovider.Inventory
	all       []cloud.Machine
}

// state is the world at one moment. It does not change either.
type state struct {
	now   time.Duration
	rows  *rows
	fleet *fleet
	mind  *mind  // nil where replicas keep nothing beside their store
	tasks []task // under way
	lives []life // by launch
	memo  [maxSpaces]memo

	turns  [maxReplicas][maxTicks]uint8 // left
	acts   uint8                        // left
	faults uint8                        // left
	stalls uint8                        // left

	settling bool // nothing is bounded any more
}

// maxTicks is how many ticks a controller may have.
const maxTicks = 6

// memo is what has to be remembered of a workspace to tell what is wrong.
type memo struct {
	removed bool          // DELETE was answered
	began   time.Duration // the present boot
	proved  time.Duration // the last proof of life of the present incarnation; -1 for none
}

// who is on whose behalf a task runs.
type who uint8

const (
	anAgent who = iota
	anOperator
	aTick
	aStray
)

// task is a program under way.
type task struct {
	node    *node
	who     who
	replica uint8
	life    int8 // of an agent's call
	tick    uint8
	space   int8 // the caller's workspace, from 1
	inc     int8
	sent    time.Duration
	late    bool   // sent when DELETE had been answered
	seen    uint16 // the statuses that the workspace had since the call was sent, of an operator's call
	sick    bool   // a heartbeat that reports errors
	over    bool   // at its end, with the reply on its way
}

func (t *task) hash() uint64 {
	h := mix(t.node.id, uint64(t.who)|uint64(t.replica)<<8|uint64(uint8(t.life))<<16|uint64(t.tick)<<24|uint64(uint8(t.space))<<32|uint64(uint8(t.inc))<<40)
	v := uint64(t.seen)<<8 ^ uint64(t.sent)<<24
	if t.late {
		v |= 1
	}
	if t.over {
		v |= 2
	}
	if t.sick {
		v |= 4
	}
	return mix(h, v)
}

// life is a machine with its agent: or only the agent, of an external workspace.
type life struct {
	machine string
	space   int8
	inc     int8
	agent   agent.Agent
	wake    time.Duration // when it goes on
	left    int8          // calls that it may still make; any number where it is negative
	calls   int8          // that it made
	booting bool
	dies    bool // its boot never ends
	calling bool
	dead    bool
}

func (l life) hash() uint64 { return maphash.Comparable(seed, l) }

// lives reports whether there is an agent that will beat.
func (l *life) lives() bool { return !l.dead && !l.dies && l.agent.Alive() }

// hash tells states apart.
func (s *state) hash() key {
	h := mix(uint64(s.now), s.rows.id)
	h = mix(h, s.fleet.id)
	if s.mind != nil {
		h = mix(h, s.mind.id)
	}
	var sum uint64 // tasks have no order
	for i := range s.tasks {
		sum += s.tasks[i].hash()
	}
	h = mix(h, sum)
	for i := range s.lives {
		h = mix(h, s.lives[i].hash())
	}
	rest := maphash.Comparable(seed, s.rest())
	h = mix(h, rest)
	second := uint64(s.now) ^ s.rows.id<<20 ^ s.fleet.id<<44
	if s.mind != nil {
		second ^= s.mind.id >> 7
	}
	return key{h, mix(mix(sum^0x5bd1e995, rest), second)}
}

// key is a state's hash: 128 bits, so that two of a billion states that differ hardly ever look alike.
type key struct{ a, b uint64 }

// rest is what is left of the state.
type rest struct {
	memo                 [maxSpaces]memo
	turns                [maxReplicas][maxTicks]uint8
	acts, faults, stalls uint8
}

func (s *state) rest() rest { return rest{s.memo, s.turns, s.acts, s.faults, s.stalls} }

// clone returns a copy that can be altered.
func (s *state) clone() *state {
	c := *s
	c.tasks = append(make([]task, 0, len(s.tasks)+1), s.tasks...)
	c.lives = append(make([]life, 0, len(s.lives)+1), s.lives...)
	return &c
}

// row returns a workspace's row, or nil.
func (w *world) row(r *rows, space int) *store.Workspace {
	if space < 1 || space > len(w.ids) {
		return nil
	}
	for i := range r.all {
		if r.all[i].ID == w.ids[space-1] {
			return &r.all[i]
		}
	}
	return nil
}

// internRows returns the rows of a store, which must not be changed any more.
func (w *world) internRows(s *memory.Store) *rows {
	all := s.Rows()
	w.enc.b = w.enc.b[:0]
	w.enc.workspaces(all)
	h := w.enc.sum()
	if r := w.allRows[h]; r != nil {
		return r
	}
	r := &rows{id: h, store: s, all: all, answers: map[uint64]*written{}}
	w.allRows[h] = r
	return r
}

func (w *world) internFleet(v *fakeprovider.Inventory) *fleet {
	all := v.All()
	w.enc.b = w.enc.b[:0]
	for i := range all {
		w.enc.machine(&all[i])
	}
	h := w.enc.sum()
	if f := w.allFleets[h]; f != nil {
		return f
	}
	f := &fleet{id: h, inventory: v, all: all}
	w.allFleets[h] = f
	return f
}

// ask has the rows answer a node's call. The same rows give the same node the same answer.
func (w *world) ask(r *rows, n *node) *written {
	if a := r.answers[n.id]; a != nil {
		return a
	}
	a := &written{rows: r}
	if n.op.write {
		s := r.store.Clone(nil)
		a.result = n.op.store(s)
		a.log, _ = s.Transitions(background, anyWorkspace, 0)
		a.rows = w.internRows(s)
	} else {
		a.result = n.op.store(r.store)
	}
	r.answers[n.id] = a
	return a
}

// next returns the next moment at which anything can become due, or -1.
func (w *world) next(s *state) time.Duration {
	soonest := time.Duration(-1)
	add := func(at time.Duration) {
		if at > s.now && (soonest < 0 || at < soonest) {
			soonest = at
		}
	}
	for i := range s.lives {
		if l := &s.lives[i]; !l.dead && !l.dies && !l.calling && l.left != 0 && l.agent.Alive() {
			add(l.wake)
		}
	}
	for i := range s.rows.all {
		r := &s.rows.all[i]
		switch {
		case r.Status == lifecycle.Provisioning || r.Status == lifecycle.AwaitingAgent:
			if !r.BootDeadline.IsZero() && w.turnsLeft(s, controller.TickProvisionSweep) {
				add(r.BootDeadline.Sub(epoch))
			}
			if r.MachineID == "" && w.turnsLeft(s, controller.TickLauncher) {
				add(r.LaunchAfter.Sub(epoch))
			}
		case r.Status.Converged():
			if !r.LastSeenAt.IsZero() && w.turnsLeft(s, controller.TickLivenessSweep) {
				add(r.LastSeenAt.Add(ttl).Sub(epoch))
			}
		}
	}
	return soonest
}

// turnsLeft reports whether the tick has turns left, or one under way.
func (w *world) turnsLeft(s *state, name string) bool {
	for i, t := range w.ticks {
		if t.call != name {
			continue
		}
		for r := range w.bounds.Replicas {
			if s.turns[r][i] > 0 {
				return true
			}
		}
	}
	for i := range s.tasks {
		if s.tasks[i].who == aTick && s.tasks[i].node.program.call == name {
			return true
		}
	}
	return false
}
