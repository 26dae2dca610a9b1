package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
)

// operatorRetry is how long the operator waits before trying again what got no answer, or a 5xx.
const operatorRetry = 5 * time.Second

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
}

// persist calls until there is an answer below 500.
func (w *world) persist(c *caller, q agent.Request) agent.Response {
	for {
		if r, err := c.call(q); err == nil && r.Code < 500 {
			return r
		}
		w.sched.Sleep(operatorRetry)
	}
}

// create creates the workspace. Where a call got no clear answer it looks whether the workspace is there before it tries
// again, since a reply can be lost after the fact.
func (w *world) create(m *member) {
	c := w.newCaller(history.ActorOperator, m.number, 0)
	create := wire.CreateRequest{
		Name: m.plan.Name, Runtime: m.plan.Runtime, Model: m.plan.Provider, External: m.plan.External,
	}
	if m.plan.External && m.plan.KnownURL {
		create.URL = fmt.Sprintf("http://machine-%d.internal:8000", m.number)
	}
	body := marshal(create)
	for tries := 1; ; tries++ {
		r, err := c.call(agent.Request{Call: "create", Method: http.MethodPost, Path: wire.PathWorkspaces, Body: body})
		if err == nil && r.Code == http.StatusCreated {
			var reply wire.CreateReply
			if jsonv2.Unmarshal(r.Body, &reply) == nil {
				if tries > 1 {
					w.removeTwins(c, m)
				}
				w.know(m, reply.Connection)
				return
			}
		}
		if err == nil && r.Code < 500 {
			return // refused; the history has the answer
		}
		w.sched.Sleep(operatorRetry)
		if ids := w.named(c, m); len(ids) > 0 {
			w.removeTwins(c, m)
			w.know(m, nil)
			return
		}
	}
}

// named returns the ids of the workspaces that have the member's name.
func (w *world) named(c *caller, m *member) []string {
	list := w.persist(c, agent.Request{Call: "list", Method: http.MethodGet, Path: wire.PathWorkspaces})
	var all []wire.Workspace
	if jsonv2.Unmarshal(list.Body, &all) != nil {
		return nil
	}
	var ids []string
	for _, there := range all {
		if there.Name == m.plan.Name {
			ids = append(ids, there.ID)
		}
	}
	return ids
}

// removeTwins deletes what a create that got no clear answer left behind beside the workspace: the contract's creates are
// not idempotent, so whoever tries again may be given two.
func (w *world) removeTwins(c *caller, m *member) {
	for _, id := range w.named(c, m) {
		if id == m.id.String() {
			continue
		}
		w.persist(w.newCaller(history.ActorOperator, -m.number, 0), agent.Request{
			Call: "delete", Method: http.MethodDelete, Path: wire.PathWorkspaces + "/" + id + "?confirm=true",
		})
	}
}

// bind notes which workspace of the plan a new row is: the first row of its name is the workspace, and those that follow
// are its twins, under its negative number. A row of any other name is nobody's.
func (w *world) bind(ws store.Workspace) {
	for _, m := range w.members {
		switch {
		case m.plan.Name != ws.Name:
		case m.id == uuid.Nil:
			m.id = ws.ID
			w.numbers[ws.ID] = m.number
		case m.id != ws.ID:
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
	path := wire.PathWorkspaces + "/" + m.id.String()
	q := agent.Request{Call: do, Method: http.MethodPost, Path: path + "/" + do}
	switch do {
	case "delete":
		q.Method, q.Path = http.MethodDelete, path+"?confirm=true"
	case "wake":
		q.Call, q.Path = "resume", path+"/resume"
	case "hibernate":
		q.Path += "?force=true"
	case "bootstrap-failed":
		q.Path = fmt.Sprintf("/admin/workspaces/%s/bootstrap-failed", m.id)
		q.Body = marshal(wire.BootstrapFailedRequest{Error: "the operator saw it fail", LogTail: "Killed"})
	}
	w.persist(w.newCaller(history.ActorOperator, m.number, 0), q)
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the harness's own bodies always marshal
	}
	return b
}

// observer looks at one workspace over the wire, as anybody may, after its row moved.
type observer struct {
	caller *caller
	due    bool
}

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
			r, err := o.caller.call(agent.Request{
				Call: "get", Method: http.MethodGet, Path: wire.PathWorkspaces + "/" + m.id.String(),
			})
			if err != nil || r.Code != http.StatusOK {
				return
			}
			var shown wire.Workspace
			if jsonv2.Unmarshal(r.Body, &shown) != nil {
				return
			}
			e := history.Event{Kind: history.Reading, WS: m.number, Cause: shown.FailureCause}
			if e.To.UnmarshalText([]byte(shown.Status)) == nil {
				w.add(e)
			}
		})
	})
}
