package harness_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// differing is the reference controller with policies of its own, which it keeps. What it declares is another matter.
func differing(does contract.Policies) sim.Target {
	return sim.Target{Name: "differing: " + does.String(), Deploy: func() sim.Deployment {
		d := &deviant{does: does, row: map[boot]row{}, failed: map[boot]int{}, machine: map[boot]string{}, dead: map[boot]string{}, beating: map[uuid.UUID]int{}, restarting: map[uuid.UUID]bool{}, bare: map[boot]bool{}}
		table := lifecycle.Standard()
		if does.OnlineAfter > 1 { // a rough beat is what the last of a row is stored as, and nothing else brings a workspace online
			for _, s := range table.From(lifecycle.Register) {
				table = table.Without(lifecycle.Register, s).Without(lifecycle.Beat, s).Without(lifecycle.BeatSick, s)
			}
		}
		return sim.Deployment{Table: table, Start: func(c controller.Config) (sim.Instance, error) {
			own := &replicaOf{deviant: d, Store: c.Store, Cloud: c.Cloud, config: c}
			c.Store, c.Cloud = ownStore{c.Store, own}, ownCloud{c.Cloud, own}
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			own.config = k.Config
			return sim.Instance{Handler: k.Handler(), Ticks: append(k.Ticks(), own.ticks()...)}, nil
		}}
	}}
}

type boot struct {
	id  uuid.UUID
	inc int
}

// row is how many proofs of life in a row there were.
type row struct {
	status lifecycle.Status
	n      int
	last   int // of beats, in the order in which they came
}

// deviant is what all replicas know, as if it was in their store.
type deviant struct {
	does       contract.Policies
	row        map[boot]row
	turns      int             // of beats
	failed     map[boot]int    // launches
	machine    map[boot]string // that was launched last
	dead       map[boot]string // the machine that ended last
	beating    map[uuid.UUID]int
	restarting map[uuid.UUID]bool
	bare       map[boot]bool // boots that begin without a token
}

type replicaOf struct {
	*deviant
	Store  store.Store
	Cloud  cloud.Cloud
	config controller.Config
}

func (d *replicaOf) ticks() []controller.Tick {
	var all []controller.Tick
	add := func(does bool, name string, every time.Duration, each func(context.Context, store.Workspace) error) {
		if !does {
			return
		}
		all = append(all, controller.Tick{Name: name, Every: every, Run: func(ctx context.Context) error {
			rows, err := d.Store.List(ctx)
			if err != nil {
				return err
			}
			problems := make([]error, len(rows))
			d.config.Each(ctx, len(rows), func(ctx context.Context, i int) { problems[i] = each(ctx, rows[i]) })
			return errors.Join(problems...)
		}})
	}
	add(d.does.NoticesDeath || d.does.Relaunches, "watch", 3*time.Second, d.watch)
	add(d.does.RestartsOffline > 0, "restarter", 10*time.Second, d.restart)
	if d.does.ReapsFailed {
		all = append(all, controller.Tick{Name: "reaper", Every: 20 * time.Second, Run: d.reap})
	}
	return all
}

// watch looks whether the machine has ended.
func (d *replicaOf) watch(ctx context.Context, w store.Workspace) error {
	id := w.MachineID
	if w.MachineIncarnation != w.Incarnation || id == "" { // who launched it has died before the row had it
		id = d.machine[boot{w.ID, w.Incarnation}]
	}
	if id == "" {
		return nil
	}
	m, err := d.Cloud.Describe(ctx, id)
	if err != nil || m.State != cloud.Terminated {
		return err
	}
	change := store.Change{ID: w.ID, Incarnation: w.Incarnation, Cause: "its machine has ended", Now: d.config.Clock.Now()}
	switch {
	case w.Status == lifecycle.Provisioning && d.does.Relaunches:
		d.dead[boot{w.ID, w.Incarnation}] = id
		return d.Store.ReleaseMachine(ctx, w.ID, id)
	case !d.does.NoticesDeath:
		return nil
	case w.Status == lifecycle.Provisioning:
		change.Event = lifecycle.ProvisionTimeout
	default:
		change.Event = lifecycle.Silence
	}
	_, err = d.Store.Apply(ctx, change)
	return err
}

// reap stops what failed workspaces run on.
func (d *replicaOf) reap(ctx context.Context) error {
	machines, err := d.Cloud.List(ctx)
	if err != nil {
		return err
	}
	problems := make([]error, len(machines))
	d.config.Each(ctx, len(machines), func(ctx context.Context, i int) {
		w, err := d.Store.Get(ctx, uuid.MustParse(machines[i].WorkspaceID))
		if err == nil && w.Status == lifecycle.Failed && w.Incarnation == machines[i].Incarnation {
			err = d.Cloud.Terminate(ctx, machines[i].ID)
		}
		problems[i] = err
	})
	return errors.Join(problems...)
}

var errBusy = errors.New("the workspace is being restarted")

// restart restarts a workspace that has been offline for long enough. No proof of life is let in meanwhile.
func (d *replicaOf) restart(ctx context.Context, w store.Workspace) error {
	due := func(w store.Workspace) bool {
		return w.Status == lifecycle.Offline && !w.External && d.config.Clock.Now().Sub(w.UpdatedAt) >= d.does.RestartsOffline
	}
	if !due(w) || d.beating[w.ID] > 0 || d.restarting[w.ID] {
		return nil
	}
	d.restarting[w.ID] = true
	defer delete(d.restarting, w.ID)
	w, err := d.Store.Get(ctx, w.ID)
	if err != nil || !due(w) {
		return err
	}
	now := d.config.Clock.Now()
	d.bare[boot{w.ID, w.Incarnation + 1}] = true
	out, err := d.Store.Apply(ctx, store.Change{
		ID: w.ID, Event: lifecycle.Restart, Incarnation: w.Incarnation, Now: now,
		Boot: &store.Boot{Deadline: now.Add(d.config.Settings.Budget(w.Runtime))},
	})
	if err == nil && !out.Moved {
		delete(d.bare, boot{w.ID, w.Incarnation + 1})
	}
	return err
}

type ownStore struct {
	store.Store
	*replicaOf
}

// Heartbeat implements store.Store: only the last of a row of proofs moves a workspace.
func (s ownStore) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	if s.restarting[b.ID] {
		return store.Outcome{}, errBusy
	}
	s.beating[b.ID]++
	defer func() { s.beating[b.ID]-- }()
	if s.does.OnlineAfter <= 1 {
		return s.Store.Heartbeat(ctx, b)
	}
	w, err := s.Get(ctx, b.ID)
	if err != nil {
		return store.Outcome{}, err
	}
	s.turns++
	key, turn := boot{w.ID, w.Incarnation}, s.turns
	soFar := func(status lifecycle.Status) row {
		x := s.row[key]
		if x.status != status {
			x = row{status: status, last: x.last}
		}
		return x
	}
	switch last := soFar(w.Status).n+1 >= s.does.OnlineAfter; {
	case !w.Status.Converged() && last:
		b.Event = lifecycle.BeatRough
	case b.Event == lifecycle.BeatRough:
		b.Event = lifecycle.NoEvent
	}
	out, err := s.Store.Heartbeat(ctx, b)
	if now := s.row[key]; err == nil && (turn > now.last || now.status == out.Status) { // others may have come in between
		x := soFar(out.Status)
		if x.n, x.last = x.n+1, max(x.last, turn); out.Status.Converged() {
			x = row{last: turn} // which ends it
		}
		s.row[key] = x
	}
	return out, err
}

// Register implements store.Store.
func (s ownStore) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	if s.restarting[r.ID] {
		return store.Outcome{}, errBusy
	}
	s.beating[r.ID]++
	defer func() { s.beating[r.ID]-- }()
	return s.Store.Register(ctx, r)
}

type ownCloud struct {
	cloud.Cloud
	*replicaOf
}

// Launch implements cloud.Cloud: with a quota, and in the place of what has ended.
func (c ownCloud) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	key := boot{uuid.MustParse(spec.WorkspaceID), spec.Incarnation}
	spec.Replaces = c.dead[key]
	if c.bare[key] {
		delete(spec.Env, wire.EnvToken)
	}
	quota := c.does.LaunchQuota
	if quota > 0 && c.failed[key] >= quota {
		return cloud.Machine{}, fmt.Errorf("%w: %d launches have failed", cloud.ErrRefused, quota)
	}
	m, err := c.Cloud.Launch(ctx, spec)
	if err == nil {
		c.machine[key] = m.ID
	}
	if err == nil || quota == 0 {
		return m, err
	}
	if c.failed[key]++; c.failed[key] >= quota {
		return cloud.Machine{}, fmt.Errorf("%w: %d launches have failed: %w", cloud.ErrRefused, quota, err)
	}
	return m, err
}

// policies are one of each, and what accuses a controller that has it and does not say so, or says so and has it not.
var policies = []struct {
	policy         contract.Policies
	silent, broken string
}{
	{contract.Policies{NoticesDeath: true}, "stays-online", "as-declared"},
	{contract.Policies{ReapsFailed: true}, "one-machine", "one-machine"},
	{contract.Policies{LaunchQuota: 2}, "gives-up", "as-declared"},
	{contract.Policies{OnlineAfter: 3}, "converges", "as-declared"},
	{contract.Policies{Relaunches: true}, "one-machine", "as-declared"},
	{contract.Policies{RestartsOffline: time.Minute}, "unasked", "as-declared"},
}

// A policy is a setting of the target: who has one and says so is held, who does not say so is accused, and so is who says so and
// does not do it.
func TestPolicies(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, target sim.Target, checks int) *harness.Found {
		t.Helper()
		r, err := harness.Checking{Target: target, Source: stores.Memory(), Seed: 1, Checks: checks}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return r.Found
	}
	accused := func(t *testing.T, target sim.Target, want string) {
		t.Helper()
		if underRace {
			return // which looks for something else
		}
		const checks = 2000
		x := firstFound(t, target, checks)
		if x == nil {
			t.Fatalf("%d checks find nothing", checks)
		}
		if x.Invariant != want {
			t.Errorf("blames %s: %s", x.Invariant, x.What)
		}
	}
	all := contract.Policies{NoticesDeath: true, ReapsFailed: true, LaunchQuota: 3, OnlineAfter: 2, RestartsOffline: 2 * time.Minute}
	for i, c := range policies {
		t.Run(c.policy.String(), func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 3)
			target := differing(c.policy)
			accused(t, target, c.silent)
			plain := sim.Reference(nil)
			plain.Policies = c.policy
			accused(t, plain, c.broken)
			target.Policies = c.policy
			held(t, check(t, target, int(seeds(500, 30))))
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		target := differing(all)
		target.Policies = all
		held(t, check(t, target, int(seeds(500, 30))))
	})
}

func held(t *testing.T, f *harness.Found) {
	t.Helper()
	if f == nil {
		return
	}
	x := f.Outcome.Judgement.First()
	t.Errorf("accused of %s: workspace %d: %s; expected: %s", x.Invariant, x.Workspace, x.What, x.Expected)
	text, err := f.Scenario("what", f.Outcome.Plan.Seed)
	t.Logf("%s %v", text, err)
}
