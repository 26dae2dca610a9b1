package sim

import (
	"iter"
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
)

// faults are the plan's faults in the simulated world: when they begin and end, and those that strike of themselves.
type faults struct {
	*fault.Set
	world *world
}

func newFaults(w *world) *faults {
	f := &faults{world: w}
	f.Set = fault.NewSet(f, w.plan.Faults)
	return f
}

// Now implements fault.World.
func (f *faults) Now() time.Duration { return f.world.sched.Now() }

// Choose implements fault.World.
func (f *faults) Choose(p oracle.Point, n uint64) uint64 { return f.world.oracle.Choose(p, n) }

// Struck implements fault.World.
func (f *faults) Struck(x *fault.Fault, ws int) {
	f.world.struck = x.Number
	f.world.add(history.Event{Kind: history.Fault, Fault: x.Number, WS: ws, Phase: history.Struck})
}

// schedule writes the starts and ends of the faults into the history, and lets those strike that need nobody to pass by.
func (f *faults) schedule() {
	w := f.world
	for _, x := range f.All {
		w.sched.After(time.Duration(x.From), func() {
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Started})
			f.start(x)
			if x.Momentary() {
				f.end(x)
			}
		})
		if !x.Momentary() {
			w.sched.After(x.End(), func() { f.end(x) })
		}
	}
}

// end notes the end of the fault, and undoes what does not pass by itself.
func (f *faults) end(x *fault.Fault) {
	f.world.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Ended})
	if x.Kind != "agent-oom" {
		return
	}
	for b := range f.machines(x) {
		if b.process.Dead() && f.Starved(b.member.number) == nil {
			b.restart()
		}
	}
}

// machines are those of the cloud's that live and that the fault is about: one for each workspace at most.
func (f *faults) machines(x *fault.Fault) iter.Seq[*machine] {
	return func(yield func(*machine) bool) {
		for _, m := range f.world.members {
			if b := m.machine; x.Hits(m.number) && b != nil && b.id != "" && b.live() && !yield(b) {
				return
			}
		}
	}
}

// starve kills what runs on a machine that is short of memory.
func (f *faults) starve(x *fault.Fault, b *machine) {
	b.process.Kill()
	f.Strike(x, b.member.number)
}

func (f *faults) start(x *fault.Fault) {
	w := f.world
	switch x.Kind {
	case "clock":
		f.shift(x, time.Duration(x.By))
		w.sched.After(time.Duration(x.Until-x.From), func() { f.shift(x, -time.Duration(x.By)) })
	case "crash":
		if len(x.Calls) > 0 {
			return
		}
		for _, r := range w.replicas {
			if x.On(r.number) && !r.process.Dead() {
				f.Strike(x, 0)
				f.down(x, r)
			}
		}
	case "stray-agent":
		f.Strike(x, 0)
		w.stray()
	case "intruder":
		w.intrude(x)
	case "machine-death":
		for b := range f.machines(x) {
			w.stopped(b.id, history.Died)
			f.Strike(x, b.member.number)
		}
	case "machine-restart":
		for b := range f.machines(x) {
			f.Strike(x, b.member.number)
			b.process.Kill()
			if f.Starved(b.member.number) == nil { // otherwise it comes up when that is over
				b.restart()
			}
		}
	case "agent-oom":
		for b := range f.machines(x) {
			f.starve(x, b)
		}
	}
}

// down kills the replica and lets it start again after the fault's delay. Called from one of the replica's own tasks, it
// does not return.
func (f *faults) down(x *fault.Fault, r *replica) {
	f.world.sched.After(time.Duration(x.Delay), r.start)
	r.kill()
}

func (f *faults) shift(x *fault.Fault, by time.Duration) {
	for _, r := range f.world.replicas {
		if x.On(r.number) {
			r.offset += by
			r.process.SetOffset(r.offset)
			f.Strike(x, 0)
		}
	}
}

// crash kills the replica where a fault wants it dead before or after this operation; it does not return then.
func (f *faults) crash(r *replica, op string, committed bool) {
	if x := f.Crash(r.number, op, committed); x != nil {
		f.down(x, r)
	}
}
