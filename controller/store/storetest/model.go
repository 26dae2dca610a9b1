package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// RunModel applies the same random calls to a store of each kind, side by side, and compares every value returned, all
// rows, the log and what the observers saw after each. A store with a method Reset(context.Context) error is emptied by
// it between the sequences; another one is opened anew for each.
//
// The flags of rapid say how many sequences there are, and how long.
func RunModel(t *testing.T, a, b Open) {
	t.Helper()
	tables := modelTables()
	pairs := make([]*pair, len(tables))
	for i, table := range tables {
		pairs[i] = &pair{table: table, a: side{open: a}, b: side{open: b}}
	}
	rapid.Check(t, func(rt *rapid.T) {
		p := pairs[rapid.IntRange(0, len(pairs)-1).Draw(rt, "table")]
		p.a.fresh(t, p.table)
		p.b.fresh(t, p.table)
		m := &model{pair: p, ctx: context.Background(), now: epoch}
		actions := map[string]func(*rapid.T){
			"":               m.compare,
			"create":         m.create,
			"apply":          m.apply,
			"applyEdge":      m.applyEdge,
			"heartbeat":      m.heartbeat,
			"heartbeatAgain": m.heartbeat,
			"register":       m.register,
			"updateCard":     m.updateCard,
			"expireBoots":    m.expireBoots,
			"expireSilent":   m.expireSilent,
			"claimLaunches":  m.claimLaunches,
			"attachMachine":  m.attachMachine,
			"deferLaunch":    m.deferLaunch,
			"releaseMachine": m.releaseMachine,
			"read":           m.read,
		}
		_, aOpen := p.a.Store.(store.Unguarded)
		_, bOpen := p.b.Store.(store.Unguarded)
		if aOpen && bOpen {
			actions["setStatus"] = m.setStatus
			actions["edit"] = m.edit
		}
		for range rapid.IntRange(0, 4).Draw(rt, "fleet") { // most of what may go wrong takes more than one
			m.create(rt)
		}
		rt.Repeat(actions)
		rt.Repeat(actions) // what rapid takes for a long sequence is short for a lifecycle
	})
}

// modelTables are the tables that sequences are run by: the standard one, and some that are altered so that the sweeps and
// the agent's calls meet what no reference has.
func modelTables() []*lifecycle.Table {
	standard := lifecycle.Standard()
	return []*lifecycle.Table{
		standard,
		standard.Without(lifecycle.Beat, lifecycle.Failed).Without(lifecycle.Register, lifecycle.Provisioning).
			Without(lifecycle.Silence, lifecycle.Degraded).Without(lifecycle.CreateExternal, lifecycle.None),
		standard.
			With(lifecycle.Edge{Event: lifecycle.Beat, From: lifecycle.Online, To: lifecycle.Online}).
			With(lifecycle.Edge{Event: lifecycle.Beat, From: lifecycle.Paused, To: lifecycle.Failed}).
			With(lifecycle.Edge{Event: lifecycle.Register, From: lifecycle.Paused, To: lifecycle.Removed}).
			With(lifecycle.Edge{Event: lifecycle.Silence, From: lifecycle.Provisioning, To: lifecycle.Failed}).
			With(lifecycle.Edge{Event: lifecycle.ProvisionTimeout, From: lifecycle.Online, To: lifecycle.Removed}).
			With(lifecycle.Edge{Event: lifecycle.ProvisionTimeout, From: lifecycle.Removed, To: lifecycle.AwaitingAgent}).
			With(lifecycle.Edge{Event: lifecycle.Remove, From: lifecycle.Online, To: lifecycle.Failed}).
			With(lifecycle.Edge{Event: lifecycle.Restart, From: lifecycle.Paused, To: lifecycle.AwaitingAgent}).
			With(lifecycle.Edge{Event: lifecycle.Wake, From: lifecycle.Hibernated, To: lifecycle.Removed}),
		standard.Without(lifecycle.ProvisionTimeout, lifecycle.Provisioning).
			Without(lifecycle.Silence, lifecycle.Online).Without(lifecycle.Silence, lifecycle.Degraded),
	}
}

// pair is two stores that move workspaces by the same table.
type pair struct {
	table *lifecycle.Table
	a, b  side
}

type side struct {
	store.Store
	open Open
	seen recorder
}

// fresh makes the side's store an empty one.
func (s *side) fresh(t *testing.T, table *lifecycle.Table) {
	t.Helper()
	s.seen.take()
	if r, ok := s.Store.(interface {
		Reset(ctx context.Context) error
	}); ok {
		if err := r.Reset(context.Background()); err != nil {
			t.Fatal(err)
		}
		return
	}
	s.Store = s.open(t, table, s.seen.observe)
}

// model is one sequence.
type model struct {
	*pair
	ctx context.Context //nolint:containedctx // a sequence has one
	now time.Time       // moves on, mostly
	ids []uuid.UUID
	old []store.TokenHash // tokens that some workspace had
}

// both makes one call on both stores and compares what comes of it.
func both[T any](m *model, t *rapid.T, what string, call func(store.Store) (T, error)) T {
	t.Helper()
	a, errA := call(m.a.Store)
	b, errB := call(m.b.Store)
	if kind(errA) != kind(errB) {
		t.Fatalf("%s: a says %v, b says %v", what, errA, errB)
	}
	same(t, what, a, b)
	return a
}

func same(t *rapid.T, what string, a, b any) {
	t.Helper()
	if reflect.DeepEqual(a, b) {
		return
	}
	if d := cmp.Diff(a, b); d != "" {
		t.Fatalf("%s differs (-a +b):\n%s", what, d)
	}
}

// kind tells the errors apart that package store declares.
func kind(err error) string {
	for _, declared := range []error{
		store.ErrNotFound, store.ErrRemoved, store.ErrUnauthorized, store.ErrHasChildren, store.ErrParent,
	} {
		if errors.Is(err, declared) {
			return declared.Error()
		}
	}
	if err != nil {
		return "another"
	}
	return ""
}

// compare compares all that can be seen of the two stores.
func (m *model) compare(t *rapid.T) {
	rows := both(m, t, "all rows", func(s store.Store) ([]store.Workspace, error) { return s.Lookup(m.ctx, m.ids) })
	both(m, t, "list", func(s store.Store) ([]store.Workspace, error) { return s.List(m.ctx) })
	both(m, t, "log", func(s store.Store) ([]store.Transition, error) { return s.Transitions(m.ctx, uuid.NullUUID{}, 0) })
	same(t, "what the observers saw", m.a.seen.take(), m.b.seen.take())
	for _, w := range rows {
		if n := len(m.old); !w.Token.IsZero() && (n == 0 || m.old[n-1] != w.Token) {
			m.old = append(m.old, w.Token)
		}
	}
}

func (m *model) create(t *rapid.T) {
	w := m.workspace(t)
	event := rapid.SampledFrom([]lifecycle.Event{
		lifecycle.Create, lifecycle.Create, lifecycle.CreateExternal, lifecycle.CreateAwaiting, lifecycle.Restart, lifecycle.NoEvent,
	}).Draw(t, "event")
	both(m, t, "create", func(s store.Store) (store.Transition, error) { return s.Create(m.ctx, w, event) })
	if !slices.Contains(m.ids, w.ID) {
		m.ids = append(m.ids, w.ID)
	}
}

// change draws a change of the event.
func (m *model) change(t *rapid.T, w store.Workspace, event lifecycle.Event) {
	c := store.Change{
		ID: w.ID, Event: event, Incarnation: m.incarnation(t, w, true), Cause: text(t, "cause"), Now: m.time(t),
		Childless: rapid.Bool().Draw(t, "childless"),
	}
	if event.BeginsIncarnation() || rapid.Bool().Draw(t, "boot") {
		c.Boot = &store.Boot{Deadline: later(c.Now, span(t, "budget")), Token: m.newToken(t)}
	}
	both(m, t, fmt.Sprintf("apply %+v", c), func(s store.Store) (store.Outcome, error) { return s.Apply(m.ctx, c) })
}

func (m *model) apply(t *rapid.T) { m.change(t, m.one(t), anyEvent(t)) }

// applyEdge applies an event that the table has an edge for, if there is any.
func (m *model) applyEdge(t *rapid.T) {
	w := m.one(t)
	var events []lifecycle.Event
	for _, e := range m.table.Edges() {
		if e.From == w.Status {
			events = append(events, e.Event)
		}
	}
	if len(events) == 0 {
		t.SkipNow()
	}
	m.change(t, w, rapid.SampledFrom(events).Draw(t, "edge"))
}

func (m *model) heartbeat(t *rapid.T) {
	w := m.one(t)
	b := store.Beat{
		ID: w.ID, Token: m.token(t, w), Event: beatEvent(t), ErrorRate: rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "rate"),
		SampleError: text(t, "error"), ActiveTasks: count(t, "tasks"), UptimeSeconds: int64(count(t, "uptime")),
		CurrentTask: text(t, "task"), RuntimeState: text(t, "state"), Now: m.time(t),
	}
	both(m, t, fmt.Sprintf("heartbeat %+v", b), func(s store.Store) (store.Outcome, error) { return s.Heartbeat(m.ctx, b) })
}

func (m *model) register(t *rapid.T) {
	w := m.one(t)
	r := store.Registration{
		ID: w.ID, Token: m.token(t, w), NewToken: m.newToken(t), URL: text(t, "url"), Card: card(t), Now: m.time(t),
	}
	both(m, t, fmt.Sprintf("register %+v", r), func(s store.Store) (store.Outcome, error) { return s.Register(m.ctx, r) })
}

func (m *model) updateCard(t *rapid.T) {
	w := m.one(t)
	h, c := m.token(t, w), card(t)
	both(m, t, "update card", func(s store.Store) (struct{}, error) { return struct{}{}, s.UpdateCard(m.ctx, w.ID, h, c) })
}

// expireBoots sweeps, mostly at some workspace's deadline.
func (m *model) expireBoots(t *rapid.T) {
	now := m.near(t, func(w store.Workspace) time.Time {
		if _, moves := m.table.Next(lifecycle.ProvisionTimeout, w.Status); !moves {
			return time.Time{}
		}
		return w.BootDeadline
	})
	cause, limit := text(t, "cause"), limit(t)
	both(m, t, fmt.Sprintf("expire boots at %v, limit %d", now, limit), func(s store.Store) ([]store.Transition, error) {
		return s.ExpireBoots(m.ctx, now, cause, limit)
	})
}

// expireSilent sweeps, mostly when some workspace has just been silent for its TTL.
func (m *model) expireSilent(t *rapid.T) {
	q := store.Silence{TTL: span(t, "ttl"), ExternalTTL: span(t, "external ttl"), Limit: limit(t)}
	q.Now = m.near(t, func(w store.Workspace) time.Time {
		if _, moves := m.table.Next(lifecycle.Silence, w.Status); !moves {
			return time.Time{}
		}
		if w.External {
			return later(w.LastSeenAt, q.ExternalTTL)
		}
		return later(w.LastSeenAt, q.TTL)
	})
	cause := text(t, "cause")
	both(m, t, fmt.Sprintf("expire silent %+v", q), func(s store.Store) ([]store.Transition, error) {
		return s.ExpireSilent(m.ctx, q, cause)
	})
}

func (m *model) claimLaunches(t *rapid.T) {
	now := m.near(t, func(w store.Workspace) time.Time { return w.LaunchAfter })
	until, limit := later(now, span(t, "lease")), limit(t)
	both(m, t, fmt.Sprintf("claim at %v until %v", now, until), func(s store.Store) (store.Launches, error) {
		return s.ClaimLaunches(m.ctx, now, until, limit)
	})
}

func (m *model) attachMachine(t *rapid.T) {
	w := m.one(t)
	incarnation, id := m.incarnation(t, w, false), machine(t)
	both(m, t, fmt.Sprintf("attach %q for %d to %s", id, incarnation, w.ID), func(s store.Store) (bool, error) {
		return s.AttachMachine(m.ctx, w.ID, incarnation, id)
	})
}

func (m *model) deferLaunch(t *rapid.T) {
	w := m.one(t)
	incarnation, why, next := m.incarnation(t, w, false), text(t, "launch error"), m.time(t)
	both(m, t, "defer", func(s store.Store) (struct{}, error) {
		return struct{}{}, s.DeferLaunch(m.ctx, w.ID, incarnation, why, next)
	})
}

func (m *model) releaseMachine(t *rapid.T) {
	w := m.one(t)
	id := rapid.SampledFrom([]string{w.MachineID, w.MachineID, machine(t)}).Draw(t, "release")
	both(m, t, "release", func(s store.Store) (struct{}, error) { return struct{}{}, s.ReleaseMachine(m.ctx, w.ID, id) })
}

func (m *model) read(t *rapid.T) {
	id := m.id(t)
	both(m, t, "get", func(s store.Store) (store.Workspace, error) { return s.Get(m.ctx, id) })
	both(m, t, "children", func(s store.Store) ([]store.Workspace, error) { return s.Children(m.ctx, id) })
	some := rapid.SliceOfN(rapid.Custom(m.id), 0, 4).Draw(t, "ids")
	both(m, t, "lookup", func(s store.Store) ([]store.Workspace, error) { return s.Lookup(m.ctx, some) })
	limit := limit(t)
	of := uuid.NullUUID{UUID: id, Valid: rapid.Bool().Draw(t, "of one")}
	both(m, t, "transitions", func(s store.Store) ([]store.Transition, error) { return s.Transitions(m.ctx, of, limit) })
}

func (m *model) setStatus(t *rapid.T) {
	w, to := m.one(t), rapid.SampledFrom(lifecycle.Statuses()).Draw(t, "status")
	event := rapid.SampledFrom(lifecycle.Events()).Draw(t, "event")
	cause, now := text(t, "cause"), m.time(t)
	both(m, t, "set status", func(s store.Store) (struct{}, error) {
		return struct{}{}, s.(store.Unguarded).SetStatus(m.ctx, w.ID, to, event, cause, now) //nolint:forcetypeassert // checked at the start
	})
}

func (m *model) edit(t *rapid.T) {
	w, to := m.one(t), m.workspace(t)
	to.Status = rapid.SampledFrom(lifecycle.Statuses()).Draw(t, "status")
	to.UpdatedAt, to.Cause = m.time(t), text(t, "cause")
	both(m, t, "edit", func(s store.Store) (store.Workspace, error) {
		var before store.Workspace
		err := s.(store.Unguarded).Edit(m.ctx, w.ID, func(row *store.Workspace) { //nolint:forcetypeassert // checked at the start
			before = *row
			*row = to
			row.Card = append([]byte(nil), to.Card...)
		})
		return before, err
	})
}
