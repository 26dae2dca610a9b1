package sim

import (
	"context"
	"errors"
	"time"

	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/intercept"
)

// How long the way to the database and back takes, each, drawn evenly. Assumed: a database in the same region.
const (
	leastTrip = 100 * time.Microsecond
	mostTrip  = 2 * time.Millisecond
)

// errStore is what a failing store says. It does not tell whether the operation took effect, as a lost connection
// would not.
var errStore = errors.New("store: connection lost")

// errCommitted is what a history says of a failure whose operation took effect all the same.
var errCommitted = errors.New("store: connection lost after the commit")

// storeWay is a replica's way to the store: it takes time, faults strike there, and others run meanwhile.
func (r *replica) storeWay() store.Store {
	return &intercept.Store{Inner: r.world.store, Before: r.before, After: r.after, Saw: r.saw, Creating: r.world.bind}
}

// background is what the store itself is given: its work is not interrupted, and virtual deadlines mean nothing to it.
var background = context.Background()

// before is the way to the store. An error means that the operation does not take place.
func (r *replica) before(ctx context.Context, op string) (context.Context, error) {
	w := r.world
	w.sched.Yield()
	w.sched.Sleep(w.latency(leastTrip, mostTrip))
	t := w.sched.Current()
	if w.faults.Stalls() {
		w.sched.Sleep(w.faults.Held(r.number, w.taskName(t), t.Workspace, false))
	}
	if w.faults.Stores() {
		if late := w.faults.StoreDelay(r.number, op); late > 0 {
			w.sched.Sleep(late)
		}
		if w.faults.StoreFails(r.number, op, false) {
			r.failed(op, errStore)
			return nil, errStore
		}
		w.faults.crash(r, op, false)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.by, w.byOp, w.byReplica = t, op, r
	return background, nil
}

// after is the way back, with the operation's outcome.
func (r *replica) after(_ context.Context, op string, err error) error {
	w := r.world
	r.stepped(w.by.Name)
	w.by, w.byOp, w.byReplica = nobody, "", nil
	if w.faults.Stores() {
		w.faults.crash(r, op, true)
		if w.faults.StoreFails(r.number, op, true) {
			err = errStore
			r.failed(op, errCommitted)
		}
	}
	if w.faults.Stalls() {
		t := w.sched.Current()
		if held := w.faults.Held(r.number, w.taskName(t), t.Workspace, true); held > 0 {
			w.sched.Sleep(held)
		}
	}
	w.sched.Sleep(w.latency(leastTrip, mostTrip))
	return err
}
