package intruder

import (
	"encoding/json"
	"net/http"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
)

// Keys are what is known of one workspace's tokens. The zero value knows none.
type Keys struct {
	tokens             []key
	registered, locked int // the incarnation whose agent was let in, and which has a token that nobody else can get
}

type key struct {
	inc   int
	token string
}

// Booted notes a token that the incarnation's agent has.
func (k *Keys) Booted(inc int, token string) {
	if n := len(k.tokens); token != "" && (n == 0 || k.tokens[n-1] != key{inc, token}) {
		k.tokens = append(k.tokens, key{inc, token})
	}
}

// Accepted notes that a call of its agent was accepted: after a register, one by which the token counts as handed over.
func (k *Keys) Accepted(call string, inc int) {
	switch {
	case call == "register":
		k.registered = inc
	case call == "heartbeat" && k.registered == inc:
		k.locked = inc
	}
}

// Begins notes that another boot begins, or may.
func (k *Keys) Begins() { k.registered, k.locked = 0, 0 }

// Locked reports whether there is a token that only its agent can have. Until then anybody may call for it.
func (k *Keys) Locked() bool { return k.locked != 0 }

// Pick returns the n-th of the credentials that an intruder has who is after the workspace of these keys, and what it is. Others are
// the keys of workspaces that have nothing to do with it.
func (k *Keys) Pick(n int, others []*Keys) (what, token string) {
	switch n % 3 {
	case 1:
		if last := len(k.tokens) - 1; last > 0 {
			for _, old := range k.tokens[:last] {
				if old.inc < k.tokens[last].inc {
					return history.WithOldToken, old.token
				}
			}
		}
	case 2:
		for _, o := range others {
			if n := len(o.tokens); o != k && n > 0 {
				return history.WithAnothersToken, o.tokens[n-1].token
			}
		}
	}
	return history.WithoutToken, ""
}

var standard = contract.Standard()

// OfAgents reports whether the call is one that agents make.
func OfAgents(call string) bool {
	c, _ := standard.Call(call)
	return c.By == contract.Agent
}

// Calls are all calls that are not open to anybody, about the workspace of the id.
func Calls(id string) []agent.Request {
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
