package explore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/sim"
)

// Result is how far a search came, and what it found.
type Result struct {
	Bounds Bounds `json:"bounds"`
	// States are the different ones that were visited, and Settled those that the world went through while it settled.
	States  int `json:"states"`
	Settled int `json:"settled"`
	// Steps were taken from one state to another; Asleep were left out, since they were taken in the other order.
	Steps  int `json:"steps"`
	Asleep int `json:"asleep"`
	// Schedules are the ways to the end of the bounds that differ in their last state or the way there; Depth is the longest.
	Schedules int `json:"schedules"`
	// Endless are the schedules after which the world did not come round in time, so that nothing can be said of what is never met.
	Endless int `json:"endless,omitempty"`
	Depth   int `json:"depth"`
	// Programs are the different points at which programs stood: so often was the controller's code run.
	Programs int           `json:"programs"`
	Wall     time.Duration `json:"wall_ns"`
	// PassWall is how long the last pass took, which is the one that the counts are of.
	PassWall time.Duration `json:"pass_ns"`
	// Exhausted says that every state within the bounds was visited.
	Exhausted bool `json:"exhausted"`
	// Why says why it was not.
	Why   string `json:"why,omitempty"`
	Found *Found `json:"found,omitempty"`
}

// Found is a way to a violation.
type Found struct {
	Violation Violation `json:"violation"`
	// Costs are the acts, faults and stalls that it takes: no way with fewer leads to any violation.
	Costs int `json:"costs"`
	path  []choice
	build func(*trace) (*world, *state, *Violation, error)
}

// ErrRemembers is returned for a target that keeps something in memory beside its store, and no way to put it back.
var ErrRemembers = errors.New("it keeps something beside its store, which a search cannot put back; bootrace check can find what is wrong with it")

// Search is a search for a violation.
type Search struct {
	Target sim.Target
	Bounds Bounds
	// Progress is told now and then how far the search is.
	Progress func(*Result)
}

// progressEvery is how often Progress is told.
const progressEvery = 500 * time.Millisecond

// Run searches until a violation is found, everything within the bounds was visited, a bound of states or time is reached, or
// ctx is cancelled. It first tries worlds in which little goes on and widens them, so that what it finds takes
// the fewest acts, faults and stalls. An error means that the target cannot be searched.
func (q Search) Run(ctx context.Context) (*Result, error) {
	if err := q.Bounds.Validate(); err != nil {
		return nil, err
	}
	if q.Target.Remembers && q.Target.Deploy().Recall == nil {
		return nil, fmt.Errorf("%w: %s", ErrRemembers, q.Target.Name)
	}
	r := &Result{Bounds: q.Bounds}
	began := time.Now()
	most := q.Bounds.Acts + q.Bounds.Faults + q.Bounds.Stalls
	for costs := 0; costs <= most; costs++ {
		passed := time.Now()
		x := &search{
			query: q, result: &Result{Bounds: q.Bounds}, costs: costs, began: began, passed: passed, told: passed,
			visited: map[key][]asleep{}, settled: map[uint64]*settled{},
		}
		var first *state
		var v *Violation
		build := func(t *trace) (*world, *state, *Violation, error) { return newWorld(q.Target, q.Bounds, t) }
		err := func() (err error) {
			defer func() {
				switch d := recover().(type) {
				case nil:
				case deviated:
					err = fmt.Errorf("explore: told the same answers, the controller called %s once and %s another time: it keeps something "+
						"in memory beside its store, which cannot be put back", d.was, d.is)
				default:
					panic(d)
				}
			}()
			if x.world, first, v, err = build(nil); err == nil && v == nil {
				v = x.explore(ctx, first)
			}
			return err
		}()
		if err != nil {
			return r, err
		}
		r = x.result
		r.Wall, r.PassWall = time.Since(began), time.Since(passed)
		r.Programs = int(x.world.nodes)
		r.States, r.Settled = len(x.visited), len(x.settled)
		if v != nil {
			r.Found = &Found{Violation: *v, Costs: costs, path: x.way(), build: build}
			r.Why = "it ended at what it found"
			return r, nil
		}
		if r.Why != "" {
			return r, nil
		}
	}
	if r.Endless > 0 {
		r.Why = "after some schedules the world did not settle"
		return r, nil
	}
	r.Exhausted = true
	return r, nil
}

// search is one pass.
type search struct {
	query   Search
	world   *world
	result  *Result
	costs   int
	began   time.Time
	passed  time.Time
	told    time.Time
	visited map[key][]asleep
	settled map[uint64]*settled
	stack   []frame

	// For tests: that neither sleep nor order changes what is visited.
	sleepless, backwards bool
}

// asleep is a step that need not be taken in a state: it was taken before another one with which it has nothing in common,
// and leads to the same.
type asleep struct {
	id    uint64
	space uint8
}

// frame is a state on the way.
type frame struct {
	state *state
	list  []choice
	ids   []asleep // of the list
	i     int      // the next in it
	sleep []asleep
	only  []asleep // where not nil, the only steps to be taken: the others were, at an earlier visit
	costs int
}

// explore visits everything that can be reached from the state, and returns the first violation.
func (x *search) explore(ctx context.Context, first *state) *Violation {
	x.push(first, nil, nil, x.costs)
	x.visited[first.hash()] = nil
	for turn := 0; len(x.stack) > 0; turn++ {
		if turn%1024 == 0 && !x.goOn(ctx) {
			return nil
		}
		f := &x.stack[len(x.stack)-1]
		if f.i == len(f.list) {
			x.stack = x.stack[:len(x.stack)-1]
			continue
		}
		i := f.i
		f.i++
		if f.only != nil && !slices.Contains(f.only, f.ids[i]) {
			continue
		}
		if slices.Contains(f.sleep, f.ids[i]) {
			x.result.Asleep++
			continue
		}
		next, v := x.world.apply(f.state, f.list[i])
		x.result.Steps++
		if v != nil {
			return v
		}
		var sleep []asleep
		if f.ids[i].space > 0 && !x.sleepless {
			for _, s := range f.sleep {
				if s.space != f.ids[i].space {
					sleep = append(sleep, s)
				}
			}
			for j := range i {
				if s := f.ids[j]; s.space > 0 && s.space != f.ids[i].space && (f.only == nil || slices.Contains(f.only, s)) && !slices.Contains(sleep, s) {
					sleep = append(sleep, s)
				}
			}
		}
		if v := x.visit(next, sleep, f.costs-costOf(f.state, f.list[i])); v != nil {
			return v
		}
	}
	return nil
}

// costOf is what a choice takes of the acts, faults and stalls that the pass allows.
func costOf(s *state, c choice) int {
	switch {
	case c.costs(), c.kind == anAct, c.kind == aPause && len(s.tasks) > 0:
		return 1
	default:
		return 0
	}
}

// visit goes on from the state, unless all that there is to see from it was seen.
func (x *search) visit(s *state, sleep []asleep, costs int) *Violation {
	h := s.hash()
	h.a = mix(h.a, uint64(costs))
	before, seen := x.visited[h]
	if !seen {
		x.visited[h] = sleep
		return x.push(s, sleep, nil, costs)
	}
	var only, both []asleep
	for _, b := range before {
		if slices.Contains(sleep, b) {
			both = append(both, b)
		} else {
			only = append(only, b)
		}
	}
	if len(only) == 0 {
		return nil
	}
	x.visited[h] = both
	return x.push(s, sleep, only, costs)
}

// push puts the state on the way. Where nothing more can happen in it, it settles.
func (x *search) push(s *state, sleep, only []asleep, costs int) *Violation {
	f := frame{state: s, sleep: sleep, only: only, costs: costs}
	for _, c := range x.world.choices(s, nil) {
		if costOf(s, c) <= costs {
			f.list = append(f.list, c)
		}
	}
	if x.backwards {
		slices.Reverse(f.list)
	}
	for _, c := range f.list {
		f.ids = append(f.ids, x.identify(s, c))
	}
	x.stack = append(x.stack, f)
	x.result.Depth = max(x.result.Depth, len(x.stack))
	if len(f.list) > 0 {
		return nil
	}
	x.result.Schedules++
	end := x.settle(s)
	if end.endless {
		x.result.Endless++
	}
	return end.violation
}

// identify names a choice across states, and says which workspace alone it is about.
func (x *search) identify(s *state, c choice) asleep {
	h := mix(uint64(c.kind)<<8|uint64(c.how), uint64(c.i)|uint64(c.replica)<<8|uint64(c.space)<<16)
	if c.kind != aStep {
		return asleep{id: h}
	}
	t := &s.tasks[c.i]
	id := asleep{id: mix(uint64(c.how), t.hash())}
	switch o := t.node.op; {
	case c.how != plainly || t.space == 0:
	case t.over || o == nil:
		id.space = uint8(t.space)
	case o.space > 0 && o.space == int(t.space) && o.store != nil:
		id.space = uint8(o.space)
	}
	return id
}

// way is the choices that led to the present state.
func (x *search) way() []choice {
	var path []choice
	for i := range x.stack {
		if f := &x.stack[i]; f.i > 0 {
			path = append(path, f.list[f.i-1])
		}
	}
	return path
}

// goOn reports whether the search may go on, and tells how far it is.
func (x *search) goOn(ctx context.Context) bool {
	r := x.result
	r.States, r.Settled, r.Wall = len(x.visited), len(x.settled), time.Since(x.began)
	r.PassWall, r.Programs = time.Since(x.passed), int(x.world.nodes)
	switch b := x.query.Bounds; {
	case ctx.Err() != nil:
		r.Why = "it was interrupted"
	case b.States > 0 && r.States >= b.States:
		r.Why = "the bound of states was reached"
	case b.Time > 0 && r.Wall >= b.Time:
		r.Why = "the bound of time was reached"
	}
	if x.query.Progress != nil && time.Since(x.told) > progressEvery {
		x.told = time.Now()
		x.query.Progress(r)
	}
	return r.Why == ""
}
