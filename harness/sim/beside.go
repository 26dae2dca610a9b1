package sim

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
)

// Beside is a controller that is not made of this project's parts. It runs on goroutines of its own, beside the scheduler's tasks
// and on the same virtual time; what leaves it are steps, whose order the oracle chooses.
type Beside interface {
	sched.Outside
	// Open starts the replicas, each the given time before the run begins, and returns when it does.
	Open(site *Site, before []time.Duration) error
	// Serve has a replica serve a request, and calls over once that is done, with what its handler panicked with.
	Serve(by Author, w http.ResponseWriter, q *http.Request, over func(panicked any))
	// Restart starts a replica that was killed, and calls over once it serves, or cannot.
	Restart(replica int, over func(error))
	// Kill ends a replica like kill -9.
	Kill(replica int)
	// Rows are the rows at the end.
	Rows() ([]store.Workspace, error)
}

// Author is who takes a step, as far as that is known.
type Author struct {
	Replica     int
	Task        string // a call's name, or that of the loop that takes it
	Actor       string
	Workspace   int
	Incarnation int
}

// Step is a step of a controller's beside the scheduler: one exchange with its database.
type Step struct {
	Author
	// Op is the statement's verb.
	Op string
	// Text is the statement, or those of its transaction; Do may set it.
	Text string
	// Do carries the step out and reports whether it is over; it is not where it waits for another's lock.
	Do func() (over bool)
	// Deliver lets the controller have the answer, and Fail has its connection break instead.
	Deliver func()
	Fail    func(error)

	task *sched.Task
	over bool
}

// Site is the world as a controller beside the scheduler sees it.
type Site struct{ world *world }

// Rand draws a number below n for the controller's own use.
func (s *Site) Rand(n uint64) uint64 { return s.world.oracle.Choose(oracle.Ident, n) }

// Times are those that the plan wants of a controller that can be told.
func (s *Site) Times() contract.Times { return s.world.plan.Times() }

// Take has the step taken when the oracle chooses so, with what the plan's faults do to it.
func (s *Site) Take(x *Step) {
	w := s.world
	r := w.replicas[x.Replica-1]
	if r.process.Dead() {
		x.Fail(errReset)
		return
	}
	if r.starting {
		w.take(x, r.process.Go(x.Task, func() {
			w.carryOut(x, r)
			x.Deliver()
		}))
		return
	}
	w.take(x, r.process.Go(x.Task, func() {
		if _, err := r.before(background, x.Op); err != nil {
			x.Fail(err)
			return
		}
		w.carryOut(x, r)
		w.by = x.task // which others may have been since
		if err := r.after(background, x.Op, nil); err != nil {
			x.Fail(err)
			return
		}
		x.Deliver()
	}))
}

func (w *world) take(x *Step, t *sched.Task) {
	x.task = t
	t.Workspace, t.Incarnation, t.Actor = x.Workspace, x.Incarnation, x.Actor
	if x.Actor == "" {
		t.Actor = history.ActorTick
	}
}

// carryOut does the step, and waits until it is over.
func (w *world) carryOut(x *Step, r *replica) {
	w.as(x, r, func() { x.over = x.Do() })
	for !x.over {
		w.sched.Park(sched.Forever)
	}
}

// as has do write in the step's name.
func (w *world) as(x *Step, r *replica, do func()) {
	by, op, replica, step := w.by, w.byOp, w.byReplica, w.byStep
	w.by, w.byOp, w.byReplica, w.byStep = x.task, x.Op, r, x
	do()
	w.by, w.byOp, w.byReplica, w.byStep = by, op, replica, step
}

// Over notes that a step that waited for a lock is over by now; do tells what rows it moved.
func (s *Site) Over(x *Step, do func()) {
	w := s.world
	w.as(x, w.replicas[x.Replica-1], do)
	x.over = true
	w.sched.Wake(x.task)
}

// Moved tells of a row that moved, in the name of the step under way. A row of another status than before that has no former one
// is new, and its name says whose it is.
func (s *Site) Moved(id uuid.UUID, name string, incarnation int, from, to lifecycle.Status) {
	w := s.world
	if from == lifecycle.None {
		w.bind(store.Workspace{ID: id, Name: name})
	}
	n := w.numbers[id]
	if incarnation == 0 && n > 0 {
		m := w.members[n-1]
		if to == lifecycle.Provisioning && from != lifecycle.Provisioning || m.incarnation == 0 {
			m.incarnation++
		}
		incarnation = m.incarnation
	} else if n > 0 {
		w.members[n-1].incarnation = incarnation
	}
	w.observe(store.RowChange{WorkspaceID: id, Incarnation: incarnation, From: from, To: to})
}

// Ask carries a call to EC2 or to the control plane, in the replica's name, and hands over the answer.
func (s *Site) Ask(by Author, q *http.Request, toEC2 bool, answer func(*http.Response, error)) {
	w := s.world
	r := w.replicas[by.Replica-1]
	if r.process.Dead() {
		answer(nil, errReset)
		return
	}
	t := r.process.Go(by.Task, func() {
		way := http.RoundTripper(cpWay{r})
		if toEC2 {
			way = ec2Way{r}
		}
		answer(way.RoundTrip(q)) //nolint:bodyclose // who asked closes it
	})
	t.Workspace, t.Incarnation, t.Actor = by.Workspace, by.Incarnation, by.Actor
}

// ticks are the names that faults have for the loops of a controller.
var ticks = []string{controller.TickLivenessSweep, controller.TickProvisionSweep, controller.TickLauncher, controller.TickOrphanSweep}

// taskName is what faults know the task by. The loops of a controller beside the scheduler have names of their own: to a fault that is
// about a tick they are that tick.
func (w *world) taskName(t *sched.Task) string {
	if w.beside == nil || t.Actor != history.ActorTick {
		return t.Name
	}
	for i := range w.plan.Faults {
		for _, call := range w.plan.Faults[i].Calls {
			if slices.Contains(ticks, call) {
				return call
			}
		}
	}
	return t.Name
}

// rowsAtEnd writes down what the rows of a controller beside the scheduler say at the end.
func (w *world) rowsAtEnd() error {
	rows, err := w.beside.Rows()
	if err != nil {
		return err
	}
	for _, r := range rows {
		n := w.numbers[r.ID]
		e := history.Event{Kind: history.Row, WS: n, Inc: r.Incarnation, To: r.Status, Cause: r.Cause, Machine: r.MachineID}
		if e.Inc == 0 && n > 0 {
			e.Inc = w.members[n-1].incarnation
		}
		w.add(e)
	}
	return nil
}
