package sim

import (
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/intruder"
)

// adminToken is the operators'. The intruder does not have it.
const adminToken = "the operators' token of the simulation"

// intrude has somebody try every call on the first workspace that the fault is about: they know its id, and have no token, that of
// an incarnation before, or another workspace's, in turn.
func (w *world) intrude(x *fault.Fault) {
	for _, m := range w.members {
		if !x.Hits(m.number) {
			continue
		}
		w.faults.Strike(x, m.number)
		i := &stranger{world: w, victim: m, caller: w.newCaller(history.ActorIntruder, m.number, 0), visit: x.Number}
		w.process("intruder").Go("intruder", i.run)
		return
	}
}

type stranger struct {
	world  *world
	victim *member
	caller *caller
	visit  int // so that each visit tries each call with something else
}

// patience is how long an intruder waits for the agent that it is after.
const patience = 10 * time.Minute

func (i *stranger) run() {
	w, m := i.world, i.victim
	for waited := time.Duration(0); m.id == uuid.Nil || !m.keys.Locked(); waited += 5 * time.Second {
		if waited >= patience && m.id != uuid.Nil {
			break
		}
		w.sched.Sleep(5 * time.Second)
	}
	var others []*intruder.Keys
	for _, o := range w.members {
		if o != m && o.number != m.plan.Parent {
			others = append(others, &o.keys)
		}
	}
	for n, q := range intruder.Calls(m.id.String()) {
		if intruder.OfAgents(q.Call) && !m.keys.Locked() {
			continue // until there is a token, anybody may call for it
		}
		i.caller.with, q.Token = m.keys.Pick(n+i.visit+int(w.plan.Seed), others)
		i.caller.call(q) //nolint:errcheck // what came of it is in the history
	}
	w.look(m)
	w.survey()
}
