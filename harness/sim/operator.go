package sim

import (
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/sched"
)

// scheduleOperator has the operator create the fleet and do what the plan says.
func (w *world) scheduleOperator() {
	for _, m := range w.members {
		w.sched.After(time.Duration(m.plan.CreateAt), func() {
			w.env.Go("create", func() { w.create(m) })
		})
	}
	for _, a := range w.plan.Acts {
		m := w.members[a.Workspace-1]
		w.sched.After(time.Duration(a.At), func() {
			w.env.Go(a.Do, func() { w.act(m, a.Do) })
		})
	}
	w.sched.After(time.Duration(w.plan.Duration)-lookAfter, w.survey)
}

// create has the operator create the workspace, once there is what it is created below.
func (w *world) create(m *member) {
	for p := w.parent(m); p != nil && !p.known; {
		w.sched.Sleep(time.Second)
	}
	m.asked = true
	if created := w.operator(m).Create(m.number, m.plan); created.Known {
		w.know(m, created.Connection)
	}
}

// parent is what the workspace is created below, or nil.
func (w *world) parent(m *member) *member {
	if m.plan.Parent == 0 {
		return nil
	}
	return w.members[m.plan.Parent-1]
}

// operator is who acts on the workspace.
func (w *world) operator(m *member) operator.Operator {
	o := operator.Operator{
		World: person{w.newCaller(history.ActorOperator, m.number, 0)},
		Twins: person{w.newCaller(history.ActorOperator, -m.number, 0)},
		ID:    func() string { return m.id.String() },
		Mine: func(id string) bool {
			n := w.owner(id)
			return n == m.number || n == -m.number || n == 0
		},

		Distinct: true,
	}
	if p := w.parent(m); p != nil {
		o.Parent = p.id.String()
	}
	return o
}

// person is somebody who calls, in a task of theirs.
type person struct{ caller *caller }

// Sleep implements operator.World.
func (p person) Sleep(d time.Duration) bool {
	p.caller.world.sched.Sleep(d)
	return true
}

// Call implements operator.World.
func (p person) Call(q agent.Request) (agent.Response, error) { return p.caller.call(q) }

// bind notes which workspace of the plan a new row is: the first row of its name is the workspace, and those that follow
// are its twins, under its negative number. A row of any other name is nobody's, and so is one more than there were creates.
func (w *world) bind(ws store.Workspace) {
	for _, m := range w.members {
		switch {
		case m.plan.Name != ws.Name || !m.asked:
		case w.by.Workspace > 0 && w.by.Workspace != m.number: // two can have one name: it is whose create made it
		case m.id == uuid.Nil:
			m.id, m.rows = ws.ID, 1
			w.numbers[ws.ID] = m.number
		case m.id != ws.ID && (w.beside == nil || m.rows < m.creates):
			m.rows++
			w.numbers[ws.ID] = -m.number
		}
	}
}

// know notes that the operator knows the workspace's id, and starts the agent of an external one.
func (w *world) know(m *member, connection *wire.Connection) {
	m.known = true
	if m.plan.External {
		b := &machine{
			world: w, member: m, inc: 1, process: w.process("external " + m.plan.Name),
			caller: w.newCaller(history.ActorAgent, m.number, 1),
		}
		m.machine = b
		var token string
		if connection != nil {
			token = connection.AuthToken
		}
		b.process.Go("boot", func() { b.boot(m.plan.Boot(1), token) })
	}
}

// act does one thing to the workspace, once it exists, until it is answered.
func (w *world) act(m *member, do string) {
	for !m.known {
		w.sched.Sleep(time.Second)
	}
	w.operator(m).Act(do)
	if !w.surveyed {
		w.surveyed = true
		w.sched.After(lookAfter, func() {
			w.surveyed = false
			w.survey()
		})
	}
}

// survey has the observer look at the list of all workspaces: after what the operator did, and at the end.
func (w *world) survey() {
	w.env.Go("observe", func() {
		sent := history.Time(w.sched.Now())
		all, ok := operator.Operator{World: person{w.newCaller(history.ActorObserver, 0, 0)}}.List()
		if !ok {
			return
		}
		var rows []int
		for _, m := range w.members {
			if m.id != uuid.Nil {
				rows = append(rows, m.number)
			}
		}
		for _, e := range operator.Listed(all, sent, sched.Epoch, func(id uuid.UUID, _ string) int { return w.numbers[id] }, rows) {
			w.add(e)
		}
		if !w.fed && w.sched.Now() >= time.Duration(w.plan.Duration)-lookAfter && (w.plan.Expect != nil || w.plan.Seed%feedEvery == 0) {
			w.readFeed()
		}
	})
}

// feedEvery is how many generated plans there are to one at whose end the observer reads the events feed.
const feedEvery = 4

// readFeed has the observer read the events feed.
func (w *world) readFeed() {
	w.fed = true
	sent := history.Time(w.sched.Now())
	feed, ok := operator.Operator{World: person{w.newCaller(history.ActorObserver, 0, 0)}}.Feed()
	if !ok {
		return
	}
	for _, e := range feed {
		w.add(operator.Fed(e, sent, sched.Epoch, w.owner(e.WorkspaceID)))
	}
}

// observer looks at one workspace over the wire, as anybody may, after its row moved.
type observer struct {
	caller *caller
	due    bool
	looks  int
}

// stateEvery is how many looks at a workspace there are to one at its state.
const stateEvery = 3

// lookAfter is how long after a move the observer looks, so that a burst of moves is one look.
const lookAfter = time.Second

func (w *world) look(m *member) {
	if m.observer == nil {
		m.observer = &observer{caller: w.newCaller(history.ActorObserver, m.number, 0)}
	}
	o := m.observer
	if o.due {
		return
	}
	o.due = true
	w.sched.After(lookAfter, func() {
		o.due = false
		w.env.Go("observe", func() {
			shown, ok := operator.Operator{World: person{o.caller}, ID: func() string { return m.id.String() }}.Look()
			if !ok {
				return
			}
			e := history.Event{Kind: history.Reading, WS: m.number, Cause: shown.FailureCause}
			if e.To.UnmarshalText([]byte(shown.Status)) == nil {
				w.add(e)
			}
			if o.looks++; o.looks%stateEvery == 1 {
				o.caller.call(operator.StateOf(m.id.String())) //nolint:errcheck // what came of it is in the history
			}
		})
	})
}
