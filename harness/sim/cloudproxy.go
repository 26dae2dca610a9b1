package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/sched"
)

// How long the cloud takes to answer, drawn evenly. Assumed, from what instance launches usually take to be answered.
const (
	leastLaunch = 500 * time.Millisecond
	mostLaunch  = 3 * time.Second
	leastAsk    = 20 * time.Millisecond
	mostAsk     = 200 * time.Millisecond
)

// cloudProxy is a replica's way to the fake cloud: it takes time, faults strike there, and others run meanwhile.
type cloudProxy struct{ replica *replica }

var _ cloud.Cloud = (*cloudProxy)(nil)

// owner is the number of the workspace that a machine or a launch is for.
func (w *world) owner(workspaceID string) int {
	id, err := uuid.Parse(workspaceID)
	if err != nil {
		return 0
	}
	return w.numbers[id]
}

// wait sleeps on the caller's context: no longer than it lasts.
func (w *world) wait(ctx context.Context, d time.Duration) error {
	if left := sched.Remaining(ctx); left <= d {
		w.sched.Sleep(left)
		w.sched.Yield()
		return context.DeadlineExceeded
	}
	w.sched.Sleep(d)
	return ctx.Err()
}

// cloudCall is what the faults do to a call. One whose answer is lost waits for it longer than anybody's context lasts.
func (w *world) cloudCall(ws int, call string) fault.CloudFate {
	fate := w.faults.CloudCall(ws, call)
	if fate.Lost {
		fate.Delay = sched.Forever / 4
	}
	return fate
}

// cloud is the replica's way to the plan's cloud.
func (r *replica) cloud() cloud.Cloud {
	if r.world.ec2 != nil {
		return r.ec2Client()
	}
	return &cloudProxy{replica: r}
}

// record writes down the call and its outcome, and whether a launch was refused for good.
func (p *cloudProxy) record(call string, sent time.Duration, ws, inc int, machine string, err error) {
	e := history.Event{
		Kind: history.Cloud, Call: call, Sent: history.Time(sent), WS: ws, Inc: inc, Machine: machine,
		Replica: p.replica.number,
	}
	if err != nil {
		e.Err = err.Error()
	}
	if call == "launch" && fault.ForGood(e.Err) {
		e.Phase = history.Permanent
	}
	p.replica.world.add(e)
}

// Launch implements cloud.Cloud.
func (p *cloudProxy) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	w := p.replica.world
	sent, ws := w.sched.Now(), w.owner(spec.WorkspaceID)
	m, err := p.launch(ctx, spec, ws)
	p.recordLaunch(sent, ws, &spec, m.ID, err)
	return m, err
}

// recordLaunch writes down a launch, with what it was asked for with.
func (p *cloudProxy) recordLaunch(sent time.Duration, ws int, spec *cloud.Spec, machine string, err error) {
	p.record("launch", sent, ws, spec.Incarnation, machine, err)
	events := p.replica.world.history.Events
	events[len(events)-1].Data = operator.Launched(spec)
}

func (p *cloudProxy) launch(ctx context.Context, spec cloud.Spec, ws int) (cloud.Machine, error) {
	w := p.replica.world
	half := w.latency(leastLaunch/2, mostLaunch/2)
	if err := w.wait(ctx, half); err != nil {
		return cloud.Machine{}, err
	}
	fate := w.cloudCall(ws, "launch")
	if fate.Err != nil {
		if err := w.wait(ctx, half); err != nil {
			return cloud.Machine{}, err
		}
		return cloud.Machine{}, fate.Err
	}
	m, fresh := w.inventory.Launch(spec, sched.Epoch.Add(w.sched.Now()))
	if fresh {
		w.launched(m, spec, ws)
	}
	if err := w.wait(ctx, half+fate.Delay); err != nil {
		return cloud.Machine{}, fmt.Errorf("launch: %w", err)
	}
	return m, nil
}

// Terminate implements cloud.Cloud.
func (p *cloudProxy) Terminate(ctx context.Context, id string) error {
	w := p.replica.world
	sent := w.sched.Now()
	m, _ := w.inventory.Describe(id) // an unknown machine belongs to nobody
	ws := w.owner(m.WorkspaceID)
	err := func() error {
		if err := w.wait(ctx, w.latency(leastAsk, mostAsk)); err != nil {
			return err
		}
		fate := w.cloudCall(ws, "terminate")
		if fate.Err != nil {
			return fate.Err
		}
		w.stopped(id, history.Terminated)
		return w.wait(ctx, w.latency(leastAsk, mostAsk)+fate.Delay)
	}()
	p.record("terminate", sent, ws, m.Incarnation, id, err)
	return err
}

// listed is what a list shows of the machines that live.
func (w *world) listed(live []cloud.Machine) []cloud.Machine {
	how := w.faults.Listing()
	if how.Stale {
		live = slices.DeleteFunc(w.inventory.All(), func(m cloud.Machine) bool {
			ended, over := w.ended[m.ID]
			return m.LaunchedAt.Sub(sched.Epoch) > how.AsOf || over && ended <= how.AsOf
		})
		for i := range live {
			if !live[i].State.Live() {
				live[i].State = cloud.Running // as far as the list knows
			}
		}
	}
	if how.Half {
		live = live[:len(live)/2]
	}
	return live
}

// Describe implements cloud.Cloud.
func (p *cloudProxy) Describe(ctx context.Context, id string) (m cloud.Machine, err error) {
	sent := p.replica.world.sched.Now()
	defer func() {
		known, _ := p.replica.world.inventory.Describe(id)
		p.record("describe", sent, p.replica.world.owner(known.WorkspaceID), known.Incarnation, id, err)
	}()
	return p.describe(ctx, id)
}

func (p *cloudProxy) describe(ctx context.Context, id string) (cloud.Machine, error) {
	w := p.replica.world
	m, err := w.inventory.Describe(id)
	ws := w.owner(m.WorkspaceID)
	if waitErr := w.wait(ctx, w.latency(leastAsk, mostAsk)); waitErr != nil {
		return cloud.Machine{}, waitErr
	}
	fate := w.cloudCall(ws, "describe")
	if fate.Err != nil {
		return cloud.Machine{}, fate.Err
	}
	if err == nil && w.faults.Unseen(ws, m.LaunchedAt.Sub(sched.Epoch)) {
		return cloud.Machine{}, fmt.Errorf("%s: %w", id, cloud.ErrNotFound)
	}
	return m, err
}

// List implements cloud.Cloud.
func (p *cloudProxy) List(ctx context.Context) ([]cloud.Machine, error) {
	w := p.replica.world
	if err := w.wait(ctx, w.latency(leastAsk, mostAsk)); err != nil {
		return nil, err
	}
	fate := w.cloudCall(0, "list")
	if fate.Err != nil {
		return nil, fate.Err
	}
	seen := w.inventory.List()
	if w.faults.Clouds() {
		seen = w.listed(seen)
		seen = slices.DeleteFunc(seen, func(m cloud.Machine) bool {
			return w.faults.Unseen(w.owner(m.WorkspaceID), m.LaunchedAt.Sub(sched.Epoch))
		})
	}
	return seen, w.wait(ctx, w.latency(leastAsk, mostAsk)+fate.Delay)
}
