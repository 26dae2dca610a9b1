package sim

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
)

// adminToken is the operators'. The intruder does not have it.
const adminToken = "the operators' token of the simulation"

// credential is a token that a machine was booted with.
type credential struct {
	inc   int
	token string
}

// intrude has somebody try every call on the first workspace that the fault is about: they know its id, and have no token, that of
// an incarnation before, or another workspace's, in turn.
func (w *world) intrude(x *fault.Fault) {
	for _, m := range w.members {
		if !x.Hits(m.number) {
			continue
		}
		w.faults.Strike(x, m.number)
		i := &intruder{world: w, victim: m, caller: w.newCaller(history.ActorIntruder, m.number, 0)}
		w.process("intruder").Go("intruder", i.run)
		return
	}
}

type intruder struct {
	world  *world
	victim *member
	caller *caller
}

// patience is how long an intruder waits for the agent that it is after.
const patience = 10 * time.Minute

func (i *intruder) run() {
	w, m := i.world, i.victim
	for waited := time.Duration(0); m.id == uuid.Nil || m.locked == 0; waited += 5 * time.Second {
		if waited >= patience && m.id != uuid.Nil {
			break
		}
		w.sched.Sleep(5 * time.Second)
	}
	for n, q := range intrusions(m.id.String()) {
		if call, _ := standard.Call(q.Call); call.By == contract.Agent && m.locked == 0 {
			continue // until there is a token, anybody may call for it
		}
		with, token := i.credential(n + int(w.plan.Seed))
		q.Token, i.caller.with = token, with
		i.caller.call(q) //nolint:errcheck // what came of it is in the history
	}
	w.look(m)
	w.survey()
}

// credential returns the n-th of those that the intruder has, and what it is.
func (i *intruder) credential(n int) (what, token string) {
	m := i.victim
	switch n % 3 {
	case 1:
		if last := len(m.tokens) - 1; last > 0 {
			for _, c := range m.tokens[:last] {
				if c.inc < m.tokens[last].inc {
					return history.WithOldToken, c.token
				}
			}
		}
	case 2:
		for _, o := range i.world.members {
			if n := len(o.tokens); o != m && n > 0 && o.number != m.plan.Parent {
				return history.WithAnothersToken, o.tokens[n-1].token
			}
		}
	}
	return history.WithoutToken, ""
}

var standard = contract.Standard()

// intrusions are all calls that are not open to anybody, about the workspace.
func intrusions(id string) []agent.Request {
	body := func(v any) []byte {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // they are the harness's own
		}
		return b
	}
	card := json.RawMessage(`{"name":"intruder"}`)
	all := []agent.Request{
		operator.StateOf(id),
		{Call: "list", Method: http.MethodGet, Path: wire.PathWorkspaces},
		{Call: "events", Method: http.MethodGet, Path: wire.PathEvents + "/" + id},
		{Call: "heartbeat", Method: http.MethodPost, Path: wire.PathHeartbeat, Body: body(wire.Heartbeat{WorkspaceID: id, ErrorRate: 0.9, ActiveTasks: 7, CurrentTask: "intrusion"})},
		{Call: "register", Method: http.MethodPost, Path: wire.PathRegister, Body: body(wire.RegisterRequest{ID: id, URL: "http://intruder.internal:8000", AgentCard: card})},
		{Call: "update-card", Method: http.MethodPost, Path: wire.PathUpdateCard, Body: body(wire.UpdateCardRequest{WorkspaceID: id, AgentCard: card})},
	}
	for _, do := range []string{"bootstrap-failed", "resume", "hibernate", "pause", "restart", "delete"} {
		all = append(all, operator.Request(id, do))
	}
	return append(all, agent.Request{Call: "create", Method: http.MethodPost, Path: wire.PathWorkspaces, Body: body(wire.CreateRequest{Name: "intruder's"})})
}
