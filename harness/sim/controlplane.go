package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/fakeprovider/cpwire"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/sched"
)

// cpWay carries a replica's calls to the control plane.
type cpWay struct{ replica *replica }

// openCP opens the control plane of the run.
func (w *world) openCP() {
	w.cp = cpwire.New(cpwire.Options{
		Now: func() time.Time { return sched.Epoch.Add(w.sched.Now()) }, Boot: ec2Boot, MaxMachines: 1 << 16,
		Launched: func(m cpwire.Machine) {
			ws := w.owner(m.WorkspaceID)
			one := cloud.Machine{
				ID: m.ID, WorkspaceID: m.WorkspaceID, Incarnation: w.bootOf(ws, m.Env), State: cloud.Pending, LaunchedAt: m.LaunchedAt,
			}
			w.inventory.Adopt(one)
			w.launched(one, cloud.Spec{Env: m.Env}, ws)
		},
		Stopped: func(m cpwire.Machine) { w.stopped(m.ID, history.Terminated) },
	})
}

// RoundTrip implements http.RoundTripper.
func (t cpWay) RoundTrip(q *http.Request) (*http.Response, error) {
	w := t.replica.world
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	ws, inc, call, least, most := w.cpCall(q, body)
	sent := w.sched.Now()
	reply, err := w.askCP(q, body, ws, call, w.latency(least/2, most/2))
	refused := err
	if err == nil && reply.code >= http.StatusBadRequest {
		refused = errors.New(strings.TrimSpace(reply.body.String()))
	}
	(&cloudProxy{t.replica}).record(call, sent, ws, inc, "", refused)
	if err != nil {
		return nil, err
	}
	return reply.response(q), nil
}

// askCP has the control plane answer the request, half a trip after it was made: with the error where a fault wants one.
func (w *world) askCP(q *http.Request, body []byte, ws int, call string, half time.Duration) (*replyWriter, error) {
	if err := w.wait(q.Context(), half); err != nil {
		return nil, err
	}
	fate := w.cloudCall(ws, call)
	if rule, ok := cpRule(fate.Err); ok {
		if err := w.cp.SetFaults(cpwire.Faults{Rules: []cpwire.Rule{rule}}); err != nil {
			return nil, err
		}
		defer w.cp.SetFaults(cpwire.Faults{}) //nolint:errcheck // no faults make sense
	}
	reply := served(w.cp, q, body)
	return reply, w.wait(q.Context(), half+fate.Delay)
}

// bootOf is which boot of the workspace a provision with the environment is for; where nobody can say, the current one.
func (w *world) bootOf(ws int, env map[string]string) int {
	switch {
	case w.deployment.BootOf != nil && env != nil:
		return w.deployment.BootOf(env)
	case ws > 0:
		return max(w.members[ws-1].incarnation, 1)
	}
	return 1
}

// cpCall says what the request is about, by the names that faults go by, and how long it takes at the least and at most.
func (w *world) cpCall(q *http.Request, body []byte) (ws, inc int, call string, least, most time.Duration) {
	switch q.Method {
	case http.MethodPost:
		var order struct {
			WorkspaceID string            `json:"workspace_id"`
			Env         map[string]string `json:"env"`
		}
		if json.Unmarshal(body, &order) != nil {
			return 0, 0, "launch", leastLaunch, mostLaunch // which is answered as it deserves
		}
		ws = w.owner(order.WorkspaceID)
		return ws, w.bootOf(ws, order.Env), "launch", leastLaunch, mostLaunch
	case http.MethodDelete:
		call = "terminate"
	default:
		call = "describe"
	}
	id := strings.TrimPrefix(q.URL.Path, "/cp/workspaces/")
	ws = w.owner(strings.TrimSuffix(id, "/status"))
	return ws, w.bootOf(ws, nil), call, leastAsk, mostAsk
}

// cpRule is what the control plane does to a call that package cloud's error is wanted of.
func cpRule(wanted error) (cpwire.Rule, bool) {
	switch {
	case wanted == nil:
		return cpwire.Rule{}, false
	case errors.Is(wanted, cloud.ErrThrottled):
		return cpwire.Rule{Kind: cpwire.Throttled}, true
	case errors.Is(wanted, cloud.ErrCapacity):
		return cpwire.Rule{Kind: cpwire.NoCapacity}, true
	case errors.Is(wanted, cloud.ErrRefused):
		return cpwire.Rule{Kind: cpwire.Refused, Message: fault.ErrForGood.Error()}, true
	default:
		return cpwire.Rule{Kind: cpwire.Internal}, true
	}
}
