package explore

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/harness/sched"
)

// probe stands in a controller for its store, its cloud and its clock. It answers what the path says, and suspends the
// program at the first call that the path does not answer.
type probe struct {
	numbers map[uuid.UUID]int

	path []*node // from the present one back to the program's start
	step int     // the place in it
	at   time.Duration
	read bool // the clock, since the last answer
	op   *op
	draw draws
}

var (
	_ store.Store     = (*probe)(nil)
	_ store.Unguarded = (*probe)(nil)
	_ cloud.Cloud     = cloudProbe{}
)

func (p *probe) do(o op) *result {
	if p.step == 0 {
		p.op = &o
		panic(suspended{})
	}
	p.step--
	n := p.path[p.step]
	if was := n.parent.op; was.name != o.name || was.space != o.space {
		panic(deviated{was.name, o.name})
	}
	p.at, p.read = n.at, false
	return n.via
}

// Now implements controller.Clock.
func (p *probe) Now() time.Time {
	p.read = true
	return epoch.Add(p.at)
}

// WithTimeout implements controller.Clock. The deadline is over once a call of the cloud ran into it.
func (p *probe) WithTimeout(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
	c := &deadline{Context: ctx}
	return c, func() { c.over = true }
}

// deadline is a context that ends when it is told so.
type deadline struct {
	context.Context //nolint:containedctx // it is one
	over            bool
}

// Err implements context.Context.
func (d *deadline) Err() error {
	if d.over {
		return context.DeadlineExceeded
	}
	return d.Context.Err()
}

// draws are a program's random bytes: the same whenever it runs, and others than another program's.
type draws struct{ n, salt byte }

func (d *draws) reset(salt byte) { d.n, d.salt = 0, salt }

// Read implements io.Reader.
func (d *draws) Read(b []byte) (int, error) {
	for i := range b {
		d.n++
		b[i] = d.n ^ d.salt
	}
	return len(b), nil
}

func (p *probe) space(id uuid.UUID) int { return p.numbers[id] }

func (p *probe) onStore(ctx context.Context, name string, space int, write bool, do func(*memory.Store) *result) *result {
	if err := ctx.Err(); err != nil {
		return &result{err: err}
	}
	return p.do(op{name: name, space: space, write: write, store: do})
}

// epoch is the time on the clock when the world begins.
var epoch = sched.Epoch

// background is what the store itself is given.
var background = context.Background()

func (p *probe) Create(ctx context.Context, ws store.Workspace, event lifecycle.Event) (store.Transition, error) {
	r := p.onStore(ctx, "create", 0, true, func(s *memory.Store) *result {
		t, err := s.Create(background, ws, event)
		return &result{outcome: store.Outcome{Transition: t}, err: err}
	})
	return r.outcome.Transition, r.err
}

func (p *probe) Get(ctx context.Context, id uuid.UUID) (store.Workspace, error) {
	r := p.onStore(ctx, "get", p.space(id), false, func(s *memory.Store) *result {
		w, err := s.Get(background, id)
		return &result{rows: []store.Workspace{w}, err: err}
	})
	if len(r.rows) == 0 {
		return store.Workspace{}, r.err
	}
	return r.rows[0], r.err
}

func (p *probe) Lookup(ctx context.Context, ids []uuid.UUID) ([]store.Workspace, error) {
	r := p.onStore(ctx, "lookup", 0, false, func(s *memory.Store) *result {
		rows, err := s.Lookup(background, ids)
		return &result{rows: rows, err: err}
	})
	return r.rows, r.err
}

func (p *probe) List(ctx context.Context) ([]store.Workspace, error) {
	r := p.onStore(ctx, "list", 0, false, func(s *memory.Store) *result {
		rows, err := s.List(background)
		return &result{rows: rows, err: err}
	})
	return r.rows, r.err
}

func (p *probe) Children(ctx context.Context, parent uuid.UUID) ([]store.Workspace, error) {
	r := p.onStore(ctx, "children", p.space(parent), false, func(s *memory.Store) *result {
		rows, err := s.Children(background, parent)
		return &result{rows: rows, err: err}
	})
	return r.rows, r.err
}

func (p *probe) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	return outcome(p.onStore(ctx, "apply", p.space(c.ID), true, func(s *memory.Store) *result {
		o, err := s.Apply(background, c)
		return &result{outcome: o, err: err}
	}))
}

func (p *probe) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	return outcome(p.onStore(ctx, "heartbeat", p.space(b.ID), true, func(s *memory.Store) *result {
		o, err := s.Heartbeat(background, b)
		return &result{outcome: o, err: err}
	}))
}

func (p *probe) Register(ctx context.Context, g store.Registration) (store.Outcome, error) {
	return outcome(p.onStore(ctx, "register", p.space(g.ID), true, func(s *memory.Store) *result {
		o, err := s.Register(background, g)
		return &result{outcome: o, err: err}
	}))
}

func outcome(r *result) (store.Outcome, error) { return r.outcome, r.err }

func (p *probe) UpdateCard(ctx context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	return p.onStore(ctx, "update_card", p.space(id), true, func(s *memory.Store) *result {
		return &result{err: s.UpdateCard(background, id, token, card)}
	}).err
}

func (p *probe) ExpireBoots(ctx context.Context, now time.Time, cause string, limit int) ([]store.Transition, error) {
	r := p.onStore(ctx, "expire_boots", 0, true, func(s *memory.Store) *result {
		moves, err := s.ExpireBoots(background, now, cause, limit)
		return &result{moves: moves, err: err}
	})
	return r.moves, r.err
}

func (p *probe) ExpireSilent(ctx context.Context, q store.Silence, cause string) ([]store.Transition, error) {
	r := p.onStore(ctx, "expire_silent", 0, true, func(s *memory.Store) *result {
		moves, err := s.ExpireSilent(background, q, cause)
		return &result{moves: moves, err: err}
	})
	return r.moves, r.err
}

func (p *probe) ClaimLaunches(ctx context.Context, now, until time.Time, limit int) (store.Launches, error) {
	r := p.onStore(ctx, "claim_launches", 0, true, func(s *memory.Store) *result {
		found, err := s.ClaimLaunches(background, now, until, limit)
		return &result{rows: found.Claimed, unwanted: found.Unwanted, err: err}
	})
	return store.Launches{Claimed: r.rows, Unwanted: r.unwanted}, r.err
}

func (p *probe) AttachMachine(ctx context.Context, id uuid.UUID, incarnation int, machineID string) (bool, error) {
	r := p.onStore(ctx, "attach_machine", p.space(id), true, func(s *memory.Store) *result {
		ok, err := s.AttachMachine(background, id, incarnation, machineID)
		return &result{ok: ok, err: err}
	})
	return r.ok, r.err
}

func (p *probe) DeferLaunch(ctx context.Context, id uuid.UUID, incarnation int, launchError string, next time.Time) error {
	return p.onStore(ctx, "defer_launch", p.space(id), true, func(s *memory.Store) *result {
		return &result{err: s.DeferLaunch(background, id, incarnation, launchError, next)}
	}).err
}

func (p *probe) ReleaseMachine(ctx context.Context, id uuid.UUID, machineID string) error {
	return p.onStore(ctx, "release_machine", p.space(id), true, func(s *memory.Store) *result {
		return &result{err: s.ReleaseMachine(background, id, machineID)}
	}).err
}

func (p *probe) Transitions(context.Context, uuid.NullUUID, int) ([]store.Transition, error) {
	return nil, errors.New("explore: the log is not kept")
}

func (p *probe) Ping(context.Context) error { return nil }

func (p *probe) SetStatus(ctx context.Context, id uuid.UUID, to lifecycle.Status, event lifecycle.Event, cause string, now time.Time) error {
	return p.onStore(ctx, "set_status", p.space(id), true, func(s *memory.Store) *result {
		return &result{err: s.SetStatus(background, id, to, event, cause, now)}
	}).err
}

func (p *probe) Edit(ctx context.Context, id uuid.UUID, alter func(*store.Workspace)) error {
	return p.onStore(ctx, "edit", p.space(id), true, func(s *memory.Store) *result {
		return &result{err: s.Edit(background, id, alter)}
	}).err
}

// cloudProbe is the probe where it stands in for the cloud.
type cloudProbe struct{ probe *probe }

// Launch implements cloud.Cloud.
func (p cloudProbe) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return cloud.Machine{}, err
	}
	r := p.probe.do(op{name: "launch", write: true, launches: &spec, cloud: func(v *fakeprovider.Inventory, now time.Time) *result {
		m, fresh := v.Launch(spec, now)
		return &result{machine: m, ok: fresh}
	}})
	return r.machine, late(ctx, r.err)
}

// late ends the context of a call that ran into its deadline.
func late(ctx context.Context, err error) error {
	if d, ok := ctx.(*deadline); ok && errors.Is(err, context.DeadlineExceeded) {
		d.over = true
	}
	return err
}

// Terminate implements cloud.Cloud.
func (p cloudProbe) Terminate(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := p.probe.do(op{name: "terminate", write: true, stops: id, cloud: func(v *fakeprovider.Inventory, _ time.Time) *result {
		return &result{ok: v.Stop(id)}
	}})
	return late(ctx, r.err)
}

// Describe implements cloud.Cloud.
func (p cloudProbe) Describe(ctx context.Context, id string) (cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return cloud.Machine{}, err
	}
	r := p.probe.do(op{name: "describe", cloud: func(v *fakeprovider.Inventory, _ time.Time) *result {
		m, err := v.Describe(id)
		return &result{machine: m, err: err}
	}})
	return r.machine, late(ctx, r.err)
}

// List implements cloud.Cloud.
func (p cloudProbe) List(ctx context.Context) ([]cloud.Machine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r := p.probe.do(op{name: "list_machines", cloud: func(v *fakeprovider.Inventory, _ time.Time) *result {
		return &result{machines: v.List()}
	}})
	return r.machines, late(ctx, r.err)
}
