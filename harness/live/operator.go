package live

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/live/caller"
	"github.com/bootrace/bootrace/harness/operator"
)

// scheduleOperator has the operator create the fleet and do what the plan says.
func (w *world) scheduleOperator() {
	for _, m := range w.members {
		w.at(time.Duration(m.plan.CreateAt), func() { w.create(m) })
	}
	for _, a := range w.plan.Acts {
		m := w.members[a.Workspace-1]
		w.at(time.Duration(a.At), func() { w.act(m, a.Do) })
	}
	w.at(time.Duration(w.plan.Duration)-lastLook, w.survey)
}

// person is somebody who calls through the gateway for as long as the run lasts.
type person struct {
	world  *world
	ctx    context.Context //nolint:containedctx // the run's
	caller *caller.Caller
}

func (w *world) person(actor string, workspace int) person {
	return person{w, w.ctx, caller.New(w.gateway.url, w.clock.speed, actor, workspace, 0)}
}

// Sleep implements operator.World.
func (p person) Sleep(d time.Duration) bool { return p.world.sleep(d) }

// Call implements operator.World.
func (p person) Call(q agent.Request) (agent.Response, error) {
	defer p.caller.Close() // people do not keep their connections
	return p.caller.CallContext(p.ctx, q)
}

// operator is who acts on the workspace.
func (w *world) operator(m *member) operator.Operator {
	o := operator.Operator{
		World: w.person(history.ActorOperator, m.number), Twins: w.person(history.ActorOperator, -m.number),
		ID: func() string { return w.idOf(m) },
	}
	if n := m.plan.Parent; n > 0 {
		o.Parent = w.idOf(w.members[n-1])
	}
	return o
}

// idOf is the workspace's id, as soon as its row is there.
func (w *world) idOf(m *member) string {
	for {
		w.mu.Lock()
		id, bound := m.id, w.bound
		w.mu.Unlock()
		if id != uuid.Nil {
			return id.String()
		}
		select {
		case <-bound:
		case <-w.ctx.Done():
			return ""
		}
	}
}

// create has the operator create the workspace, once there is what it is created below, and starts the agent of an external one.
func (w *world) create(m *member) {
	if n := m.plan.Parent; n > 0 {
		select {
		case <-w.members[n-1].known:
		case <-w.ctx.Done():
			return
		}
	}
	created := w.operator(m).Create(m.number, m.plan)
	if !created.Known || w.idOf(m) == "" {
		return
	}
	if m.plan.External {
		var token string
		if created.Connection != nil {
			token = created.Connection.AuthToken
		}
		w.external(m, token)
	}
	close(m.known)
}

// act does one thing to the workspace, once it exists.
func (w *world) act(m *member, do string) {
	select {
	case <-m.known:
		w.operator(m).Act(do)
		if !w.surveyed.Swap(true) && w.sleep(lookAfter) {
			w.surveyed.Store(false)
			w.survey()
		}
	case <-w.ctx.Done():
	}
}

// lastLook is how long before the end the observer looks at the list of all workspaces: the answer comes in real time.
const lastLook = 10 * time.Second

// survey has the observer look at the list of all workspaces: after what the operator did, and at the end.
func (w *world) survey() {
	sent := history.Time(w.clock.now())
	all, ok := operator.Operator{World: w.person(history.ActorObserver, 0)}.List()
	if !ok {
		return
	}
	var rows []int
	w.mu.Lock()
	for _, m := range w.members {
		if m.id != uuid.Nil {
			rows = append(rows, m.number)
		}
	}
	w.mu.Unlock()
	for _, e := range operator.Listed(all, sent, time.Time{}, w.numberOf, rows) {
		w.add(e)
	}
}

// lookAfter is how long after a move the observer looks, so that a burst of moves is one look.
const lookAfter = time.Second

// look has the observer look at the workspace over the wire, as anybody may, after its row moved.
func (w *world) look(m *member) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.looking {
		return
	}
	m.looking = true
	w.tasks.Go(func() {
		on := w.sleep(lookAfter)
		w.mu.Lock()
		m.looking = false
		w.mu.Unlock()
		if !on {
			return
		}
		shown, ok := operator.Operator{World: w.person(history.ActorObserver, m.number), ID: func() string { return w.idOf(m) }}.Look()
		if !ok {
			return
		}
		e := history.Event{Kind: history.Reading, WS: m.number, Cause: shown.FailureCause}
		var status lifecycle.Status
		if status.UnmarshalText([]byte(shown.Status)) == nil {
			e.To = status
			w.add(e)
		}
	})
}
