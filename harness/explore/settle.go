package explore

import (
	"hash/maphash"
	"time"

	"github.com/bootrace/bootrace/harness/sched"
)

// round is how much time passes between two turns of everything while the world settles.
const round = interval / 2

// maxRounds is how long the world may take to come round.
const maxRounds = 120

// settled is what becomes of a state.
type settled struct {
	violation *Violation
	endless   bool // it did not come round within maxRounds
}

// settle lets nothing more go wrong and everybody take fair turns, until the state comes round. A promise that is unmet
// all the way round is never met.
func (x *search) settle(s *state) *settled {
	w := x.world
	c := w.calm(s)
	place := map[uint64]int{}
	var path []uint64
	var states []*state
	end := &settled{endless: true}
	for range maxRounds {
		h := w.present(c)
		if known := x.settled[h]; known != nil {
			end = known
			break
		}
		if first, ok := place[h]; ok {
			end = &settled{violation: w.cycle(states[first:])}
			break
		}
		place[h] = len(path)
		path, states = append(path, h), append(states, c)
		var v *Violation
		if c, v = w.round(c); v != nil {
			end = &settled{violation: v}
			break
		}
	}
	for _, h := range path {
		x.settled[h] = end
	}
	return end
}

// tellRounds is for how many rounds the settling world is told: long enough for every bound of package invariant, and to see what
// changes for ever change again and again.
const tellRounds = 100

// tell lets the world settle for somebody who writes down what happens, and returns where it is then.
func (w *world) tell(s *state) *state {
	c := w.calm(s)
	var v *Violation
	for i := 0; i < tellRounds && v == nil; i++ {
		c, v = w.round(c)
	}
	return c
}

// calm returns the state from which on nothing more goes wrong.
func (w *world) calm(s *state) *state {
	c := s.clone()
	for i := range c.lives {
		c.lives[i].left = -1
	}
	c.faults, c.acts, c.stalls, c.settling = 0, 0, 0, true
	w.wake(c)
	return c
}

// round lets time pass and gives everything a turn.
func (w *world) round(s *state) (*state, *Violation) {
	c := s.clone()
	var v *Violation
	finish := func() {
		for len(c.tasks) > 0 && v == nil {
			c, v = w.proceed(c, len(c.tasks)-1, plainly)
		}
	}
	finish()
	c.now += round
	for r := range w.bounds.Replicas {
		for i, p := range w.ticks {
			if v != nil {
				return c, v
			}
			c.tasks = append(c.tasks, task{node: w.start(p, c.now), who: aTick, replica: uint8(r), tick: uint8(i), life: -1})
			finish()
		}
	}
	w.wake(c)
	finish()
	return c, v
}

// cycle judges states that follow each other for ever.
func (w *world) cycle(states []*state) *Violation {
	never := w.unmet(states[0])
	moves := 0
	for i, s := range states {
		now := w.unmet(s)
		for v := range never {
			if !now[v] {
				delete(never, v)
			}
		}
		after := states[(i+1)%len(states)]
		for n := range w.ids {
			a, b := w.row(s.rows, n+1), w.row(after.rows, n+1)
			if a != nil && b != nil && a.Status != b.Status {
				moves++
			}
		}
	}
	var worst *Violation
	rank := map[string]int{}
	for i, name := range Judged() {
		rank[name] = i
	}
	for v := range never {
		if worst == nil || rank[v.Invariant] < rank[worst.Invariant] ||
			rank[v.Invariant] == rank[worst.Invariant] && (v.Workspace < worst.Workspace || v.Workspace == worst.Workspace && v.What < worst.What) {
			one := v
			worst = &one
		}
	}
	if worst == nil && moves > 0 {
		return violated("bounded-churn", 0, "with nothing going wrong, statuses change for ever: %d times every %s", moves,
			round*time.Duration(len(states)))
	}
	return worst
}

// present tells states apart by what matters from now on: times count from the present, and what is long past is past.
func (w *world) present(s *state) uint64 {
	e := &w.enc
	e.b = e.b[:0]
	e.from, e.floor = sched.Epoch.Add(s.now), 2*budget
	e.workspaces(s.rows.all)
	for i := range s.fleet.all {
		e.machine(&s.fleet.all[i])
	}
	if s.mind != nil {
		e.floor = mindFloor
		e.mind(s.mind)
	}
	e.from, e.floor = time.Time{}, 0
	h := e.sum()
	for i := range s.lives {
		l := s.lives[i]
		l.wake = max(l.wake-s.now, 0)
		l.calls = 0
		h = mix(h, l.hash())
	}
	var sum uint64
	for i := range s.tasks {
		sum += s.tasks[i].hash()
	}
	memo := s.memo
	for i := range memo {
		memo[i].began = max(memo[i].began-s.now, -2*budget)
		if memo[i].proved >= 0 {
			memo[i].proved = max(memo[i].proved-s.now, -2*ttl)
		} else {
			memo[i].proved = 1
		}
	}
	return mix(mix(h, sum), maphash.Comparable(seed, memo))
}
