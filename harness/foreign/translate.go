package foreign

import (
	"encoding/json"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/operator"
)

// Agents and operators speak the contract's wire. What they say is put into calls of the target's dialect here, and what it answers
// into replies of the contract's.

// callOf is the request as a call.
func callOf(q agent.Request) dialect.Call {
	c := dialect.Call{Name: q.Call, ID: about(q.Path), Token: q.Token}
	read := func(v any) {
		json.Unmarshal(q.Body, v) //nolint:errcheck // the harness's own bodies can be read
	}
	switch q.Call {
	case dialect.Create:
		var body wire.CreateRequest
		read(&body)
		c.Create = &dialect.CreateCall{
			Name: body.Name, Runtime: body.Runtime, Model: body.Model, Parent: body.ParentID, URL: body.URL, External: body.External,
		}
	case dialect.Register:
		var body wire.RegisterRequest
		read(&body)
		c.ID, c.Register = body.ID, &dialect.RegisterCall{URL: body.URL, Card: body.AgentCard}
	case dialect.Heartbeat:
		var body wire.Heartbeat
		read(&body)
		c.ID = body.WorkspaceID
		c.Heartbeat = &dialect.HeartbeatCall{
			ErrorRate: body.ErrorRate, SampleError: body.SampleError, Task: body.CurrentTask, ActiveTasks: int64(body.ActiveTasks),
			UptimeSecs: body.UptimeSeconds, Wedged: body.RuntimeState == wire.Wedged,
		}
	case dialect.Hibernate:
		c.Force = operator.Forced(q)
	case dialect.BootstrapFailed:
		var body wire.BootstrapFailedRequest
		read(&body)
		c.Failed = &dialect.FailedCall{Error: body.Error, Log: body.LogTail}
	}
	return c
}

// about is the id of the workspace that the path is of, or empty.
func about(path string) string {
	_, rest, ok := strings.Cut(path, wire.PathWorkspaces+"/")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	return rest
}

// replyOf is the answer as the contract's reply to the call.
func replyOf(call string, a dialect.Answer) agent.Response {
	r := agent.Response{Code: a.Code, RetryAfter: a.RetryAfter}
	if !a.OK() {
		r.Body = encoded(wire.Error{Error: a.Said})
		return r
	}
	var one shown
	if len(a.Workspaces) > 0 {
		one = a.Workspaces[0]
	}
	switch call {
	case dialect.List:
		all := []wire.Workspace{}
		for _, w := range a.Workspaces {
			all = append(all, asWire(w))
		}
		r.Body = encoded(all)
	case dialect.Get:
		r.Body = encoded(asWire(one))
	case dialect.Pause:
		r.Body = encoded(wire.PauseReply{PausedCount: a.Count})
	case dialect.Resume:
		r.Body = encoded(wire.ResumeReply{ResumedCount: a.Count})
	case dialect.Register:
		r.Body = encoded(wire.RegisterReply{Status: "registered", AuthToken: a.Token})
	case dialect.Heartbeat, dialect.BootstrapFailed:
		r.Body = encoded(wire.StatusReply{Status: "ok"})
	default:
		reply := wire.CreateReply{ID: one.ID, Status: statusWord(one.Status)}
		if a.Token != "" {
			reply.Connection = &wire.Connection{AuthToken: a.Token}
		}
		r.Body = encoded(reply)
	}
	return r
}

func asWire(w shown) wire.Workspace {
	return wire.Workspace{ID: w.ID, Name: w.Name, Status: statusWord(w.Status), Incarnation: w.Incarnation, FailureCause: w.Cause}
}

// statusWord is the contract's word for the status; empty where nothing was said.
func statusWord(s lifecycle.Status) string {
	if s == lifecycle.None {
		return ""
	}
	return s.String()
}

func encoded(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the contract's own replies always marshal
	}
	return b
}

// handedOut is the token that a reply to an operator hands out for the agent, or empty.
func handedOut(r agent.Response) string {
	var reply wire.CreateReply
	if json.Unmarshal(r.Body, &reply) != nil || reply.Connection == nil {
		return ""
	}
	return reply.Connection.AuthToken
}
