package sim

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// How long the way to the database and back takes, each, drawn evenly. Assumed: a database in the same region.
const (
	leastTrip = 100 * time.Microsecond
	mostTrip  = 2 * time.Millisecond
)

// errStore is what a failing store says. It does not tell whether the operation took effect, as a lost connection
// would not.
var errStore = errors.New("store: connection lost")

// storeProxy is a replica's way to the store: it takes time, faults strike there, and others run meanwhile.
type storeProxy struct {
	replica *replica
	inner   store.Store
}

var (
	_ store.Store     = (*storeProxy)(nil)
	_ store.Unguarded = (*storeProxy)(nil)
)

// background is what the store itself is given: its work is not interrupted, and virtual deadlines mean nothing to it.
var background = context.Background()

// before is the way to the store. An error means that the operation does not take place.
func (p *storeProxy) before(ctx context.Context, op string) error {
	w := p.replica.world
	w.sched.Yield()
	w.sched.Sleep(w.latency(leastTrip, mostTrip))
	if len(w.faults.stalls) > 0 {
		w.sched.Sleep(w.faults.held(p.replica))
	}
	if len(w.faults.stores) > 0 {
		if late := w.faults.storeDelay(p.replica, op); late > 0 {
			w.sched.Sleep(late)
		}
		if w.faults.storeFails(p.replica, op, false) {
			return errStore
		}
		w.faults.crash(p.replica, op, false)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	t := w.sched.Current()
	w.by, w.byInc = t.Name, t.Incarnation
	return nil
}

// after is the way back, with the operation's outcome.
func (p *storeProxy) after(op string, err error) error {
	w := p.replica.world
	w.by, w.byInc = "", 0
	if len(w.faults.stores) > 0 {
		w.faults.crash(p.replica, op, true)
		if w.faults.storeFails(p.replica, op, true) {
			err = errStore
		}
	}
	w.sched.Sleep(w.latency(leastTrip, mostTrip))
	return err
}

func (p *storeProxy) Create(ctx context.Context, ws store.Workspace, event lifecycle.Event) (t store.Transition, err error) {
	if err := p.before(ctx, "create"); err != nil {
		return t, err
	}
	p.replica.world.bind(ws)
	t, err = p.inner.Create(background, ws, event)
	return t, p.after("create", err)
}

func (p *storeProxy) Get(ctx context.Context, id uuid.UUID) (ws store.Workspace, err error) {
	if err := p.before(ctx, "get"); err != nil {
		return ws, err
	}
	ws, err = p.inner.Get(background, id)
	return ws, p.after("get", err)
}

func (p *storeProxy) Lookup(ctx context.Context, ids []uuid.UUID) (all []store.Workspace, err error) {
	if err := p.before(ctx, "lookup"); err != nil {
		return nil, err
	}
	all, err = p.inner.Lookup(background, ids)
	return all, p.after("lookup", err)
}

func (p *storeProxy) List(ctx context.Context) (all []store.Workspace, err error) {
	if err := p.before(ctx, "list"); err != nil {
		return nil, err
	}
	all, err = p.inner.List(background)
	return all, p.after("list", err)
}

func (p *storeProxy) Children(ctx context.Context, parent uuid.UUID) (all []store.Workspace, err error) {
	if err := p.before(ctx, "children"); err != nil {
		return nil, err
	}
	all, err = p.inner.Children(background, parent)
	return all, p.after("children", err)
}

func (p *storeProxy) Apply(ctx context.Context, c store.Change) (o store.Outcome, err error) {
	if err := p.before(ctx, "apply"); err != nil {
		return o, err
	}
	o, err = p.inner.Apply(background, c)
	return o, p.after("apply", err)
}

func (p *storeProxy) Heartbeat(ctx context.Context, b store.Beat) (o store.Outcome, err error) {
	if err := p.before(ctx, "heartbeat"); err != nil {
		return o, err
	}
	o, err = p.inner.Heartbeat(background, b)
	return o, p.after("heartbeat", err)
}

func (p *storeProxy) Register(ctx context.Context, r store.Registration) (o store.Outcome, err error) {
	if err := p.before(ctx, "register"); err != nil {
		return o, err
	}
	o, err = p.inner.Register(background, r)
	return o, p.after("register", err)
}

func (p *storeProxy) UpdateCard(ctx context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	if err := p.before(ctx, "update_card"); err != nil {
		return err
	}
	return p.after("update_card", p.inner.UpdateCard(background, id, token, card))
}

func (p *storeProxy) ExpireBoots(ctx context.Context, now time.Time, cause string, limit int) (moved []store.Transition, err error) {
	if err := p.before(ctx, "expire_boots"); err != nil {
		return nil, err
	}
	moved, err = p.inner.ExpireBoots(background, now, cause, limit)
	return moved, p.after("expire_boots", err)
}

func (p *storeProxy) ExpireSilent(ctx context.Context, q store.Silence, cause string) (moved []store.Transition, err error) {
	if err := p.before(ctx, "expire_silent"); err != nil {
		return nil, err
	}
	moved, err = p.inner.ExpireSilent(background, q, cause)
	return moved, p.after("expire_silent", err)
}

func (p *storeProxy) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (all []store.Workspace, err error) {
	if err := p.before(ctx, "claim_launches"); err != nil {
		return nil, err
	}
	all, err = p.inner.ClaimLaunches(background, now, until, limit)
	return all, p.after("claim_launches", err)
}

func (p *storeProxy) AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (ok bool, err error) {
	if err := p.before(ctx, "attach_machine"); err != nil {
		return false, err
	}
	ok, err = p.inner.AttachMachine(background, id, incarnation, machineID)
	return ok, p.after("attach_machine", err)
}

func (p *storeProxy) DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	if err := p.before(ctx, "defer_launch"); err != nil {
		return err
	}
	return p.after("defer_launch", p.inner.DeferLaunch(background, id, incarnation, launchError, next))
}

func (p *storeProxy) UnwantedMachines(ctx context.Context, limit int) (all []store.Workspace, err error) {
	if err := p.before(ctx, "unwanted_machines"); err != nil {
		return nil, err
	}
	all, err = p.inner.UnwantedMachines(background, limit)
	return all, p.after("unwanted_machines", err)
}

func (p *storeProxy) ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error {
	if err := p.before(ctx, "release_machine"); err != nil {
		return err
	}
	return p.after("release_machine", p.inner.ReleaseMachine(background, id, machineID))
}

func (p *storeProxy) Transitions(ctx context.Context, id uuid.NullUUID, limit int) (all []store.Transition, err error) {
	if err := p.before(ctx, "transitions"); err != nil {
		return nil, err
	}
	all, err = p.inner.Transitions(background, id, limit)
	return all, p.after("transitions", err)
}

func (p *storeProxy) Ping(ctx context.Context) error {
	if err := p.before(ctx, "ping"); err != nil {
		return err
	}
	return p.after("ping", p.inner.Ping(background))
}

func (p *storeProxy) unguarded() store.Unguarded {
	u, ok := p.inner.(store.Unguarded)
	if !ok {
		panic("sim: the store has no Unguarded door, which the defect needs")
	}
	return u
}

func (p *storeProxy) SetStatus(ctx context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error {
	if err := p.before(ctx, "set_status"); err != nil {
		return err
	}
	return p.after("set_status", p.unguarded().SetStatus(background, id, to, event, cause, now))
}

func (p *storeProxy) Edit(ctx context.Context, id uuid.UUID, alter func(*store.Workspace)) error {
	if err := p.before(ctx, "edit"); err != nil {
		return err
	}
	return p.after("edit", p.unguarded().Edit(background, id, alter))
}
