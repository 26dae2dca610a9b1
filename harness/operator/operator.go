package operator

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/plan"
)

// retry is how long the operator waits before trying again what got no answer, or a 5xx.
const retry = 5 * time.Second

// World is what an operator lives in.
type World interface {
	// Sleep returns after d, or reports false when the operator has to stop.
	Sleep(d time.Duration) bool
	// Call carries out the request. An error means that no answer came; the call may have taken effect.
	Call(agent.Request) (agent.Response, error)
}

// Operator acts on one workspace.
type Operator struct {
	World
	// Twins is for calls about twins of the workspace: second rows, made by a create that was tried again.
	Twins World
	// ID is the workspace's id as the world knows it; empty while it knows none.
	ID func() string
	// URL is where an external workspace's agent claims to serve; empty for AgentURL.
	URL string
	// Distinct has it fill in the fields of a create that nothing depends on, each workspace's with values of its own.
	Distinct bool
	// Mine reports whether a workspace of its name may be its own, or a twin; nil where there is no other of the name.
	Mine func(id string) bool
	// Parent is the id of the workspace that it is created below; empty for none.
	Parent string
}

// Created is what came of a create.
type Created struct {
	// Known is set where the operator knows of the workspace: it was answered, or found it in the list.
	Known bool
	// Connection is what the reply told an external workspace's agent, where it came.
	Connection *wire.Connection
}

// AgentURL is where the workspace's agent claims to serve.
func AgentURL(workspace int) string { return AgentURLAt(workspace, 0) }

// AgentURLAt is where the workspace's agent claims to serve that was started so often before: at another port each time, as an
// agent that moves does.
func AgentURLAt(workspace, starts int) string {
	return fmt.Sprintf("http://machine-%d.internal:%d", workspace, 8000+starts)
}

// Create creates the workspace of that number. Where a call got no clear answer it looks whether the workspace is there
// before it tries again, since a reply can be lost after the fact.
func (o Operator) Create(number int, w *plan.Workspace) Created {
	create := wire.CreateRequest{Name: w.Name, Runtime: w.Runtime, Model: w.Provider, External: w.External, ParentID: o.Parent}
	if o.Distinct {
		create.Tier, create.Template = 1+number%4, fmt.Sprintf("template-%d", number)
	}
	if w.External && w.KnownURL {
		create.URL = cmp.Or(o.URL, AgentURL(number))
	}
	body := marshal(create)
	for tries := 1; ; tries++ {
		r, err := o.Call(agent.Request{Call: "create", Method: http.MethodPost, Path: wire.PathWorkspaces, Body: body})
		if err == nil && r.Code == http.StatusCreated {
			var reply wire.CreateReply
			if jsonv2.Unmarshal(r.Body, &reply) == nil {
				if tries > 1 {
					o.removeTwins(w.Name)
				}
				return Created{true, reply.Connection}
			}
		}
		if err == nil && r.Code < 500 {
			return Created{} // refused; the history has the answer
		}
		if !o.Sleep(retry) {
			return Created{}
		}
		if ids := o.named(w.Name); len(ids) > 0 {
			o.removeTwins(w.Name)
			return Created{Known: true}
		}
	}
}

// persist calls until there is an answer below 500, or the operator has to stop.
func persist(w World, q agent.Request) agent.Response {
	for {
		if r, err := w.Call(q); err == nil && r.Code < 500 {
			return r
		}
		if !w.Sleep(retry) {
			return agent.Response{}
		}
	}
}

// named returns the ids of the workspaces that have the name.
func (o Operator) named(name string) []string {
	list := persist(o, listing)
	var all []wire.Workspace
	if jsonv2.Unmarshal(list.Body, &all) != nil {
		return nil
	}
	var ids []string
	for _, there := range all {
		if there.Name == name && (o.Mine == nil || o.Mine(there.ID)) {
			ids = append(ids, there.ID)
		}
	}
	return ids
}

// removeTwins deletes what a create that got no clear answer left behind beside the workspace: the contract's creates are
// not idempotent, so whoever tries again may be given two.
func (o Operator) removeTwins(name string) {
	for _, id := range o.named(name) {
		if id != o.ID() {
			persist(o.Twins, agent.Request{
				Call: "delete", Method: http.MethodDelete, Path: wire.PathWorkspaces + "/" + id + "?confirm=true",
			})
		}
	}
}

// Act does one of scenarios.Acts to the workspace, which must be known, until it is answered.
func (o Operator) Act(do string) { persist(o, Request(o.ID(), do)) }

// Request is the call that one of scenarios.Acts makes about the workspace of the id.
func Request(id, do string) agent.Request {
	path := wire.PathWorkspaces + "/" + id
	q := agent.Request{Call: do, Method: http.MethodPost, Path: path + "/" + do}
	switch do {
	case "delete":
		q.Method, q.Path = http.MethodDelete, path+"?confirm=true"
	case "wake":
		q.Call, q.Path = "resume", path+"/resume"
	case "hibernate":
		q.Path += "?" + force
	case "hibernate-idle":
		q.Call, q.Path = "hibernate", path+"/hibernate"
	case "bootstrap-failed":
		q.Path = "/admin" + path + "/bootstrap-failed"
		q.Body = marshal(wire.BootstrapFailedRequest{Error: "the operator saw it fail: " + id, LogTail: "Killed"})
	}
	return q
}

// Forced reports whether the request, a hibernate, is to pass over active tasks.
func Forced(q agent.Request) bool { return strings.Contains(q.Path, force) }

// force is the query of a hibernate that is.
const force = "force=true"

// Look returns what anybody sees of the workspace, or false where there is nothing to be seen.
func (o Operator) Look() (wire.Workspace, bool) {
	var shown wire.Workspace
	r, err := o.Call(agent.Request{Call: "get", Method: http.MethodGet, Path: wire.PathWorkspaces + "/" + o.ID()})
	if err != nil || r.Code != http.StatusOK {
		return shown, false
	}
	return shown, jsonv2.Unmarshal(r.Body, &shown) == nil
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // the harness's own bodies always marshal
	}
	return b
}
