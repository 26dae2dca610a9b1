package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/fakeprovider/cpwire"
	"github.com/bootrace/bootrace/harness/history"
)

// control is the control plane that the target asks for machines: the fake one, with the plan's faults in front of it and an
// agent on every machine.
type control struct {
	*fleet
	server *cpwire.Server

	mu    sync.Mutex
	given map[string]given // by workspace
}

// given is what was given to a workspace last.
type given struct {
	boots  int  // how many
	sure   bool // the reply that told of the last one was delivered
	before occasion
}

// occasion is what a workspace has been through when it is given a machine: where that is another one by the next time, the next
// machine is another boot's, whatever the body of the request says.
type occasion struct{ asked, stopped, changed int }

// sparing is how long a provision waits for the reply to the create that makes it somebody's.
const sparing = time.Second

func newControl(s *Session) *control {
	c := &control{fleet: newFleet(s), given: map[string]given{}}
	c.server = cpwire.New(cpwire.Options{
		Launched: func(x cpwire.Machine) { c.launched(launch{id: x.ID, workspace: x.WorkspaceID, env: x.Env}) },
		Stopped: func(x cpwire.Machine) {
			how := history.Terminated
			if x.Reason == cpwire.ReasonHostDied {
				how = history.Died
			}
			c.stopped(x.WorkspaceID, x.ID, how)
		},
	})
	return c
}

// end lets the host of a machine fail.
func (c *control) end(x launch) bool { return c.server.End(x.id, "") == nil }

// ServeHTTP serves the control plane's calls, with the plan's faults, and writes them into the history.
func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, workspace := c.about(r)
	var m *member
	if call != "" {
		m = c.session.await(r.Context(), workspace, sparing)
	}
	if m == nil {
		c.server.ServeHTTP(w, r)
		return
	}
	run := m.world
	run.mu.Lock()
	sent := run.now()
	fate := run.faults.CloudCall(m.number, call)
	inc := max(m.begun, 1)
	now := occasion{m.begun, m.stopped, m.changed}
	if call == "terminate" {
		m.stopped++
	}
	run.mu.Unlock()
	if call == "launch" {
		c.another(r, workspace, now)
	}
	reply := httptest.NewRecorder()
	if fate.Err != nil {
		refuse(reply, fate.Err)
	} else {
		c.server.ServeHTTP(reply, r)
	}
	e := history.Event{Kind: history.Cloud, WS: m.number, Inc: inc, Call: call, Sent: history.Time(sent), Replica: 1}
	switch {
	case fate.Lost:
		e.Err = "the reply was lost"
	case reply.Code/100 != 2:
		e.Err, e.Code = strings.TrimSpace(reply.Body.String()), reply.Code
	}
	sleep(r.Context(), fate.Delay)
	run.add(e)
	if fate.Lost {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	for name, values := range reply.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(reply.Code)
	_, err := w.Write(reply.Body.Bytes())
	if call == "launch" && reply.Code/100 == 2 && err == nil && r.Context().Err() == nil {
		c.mu.Lock()
		g := c.given[workspace]
		g.sure, g.before = true, now
		c.given[workspace] = g
		c.mu.Unlock()
	}
}

// another tells a provision from the one before it, where it is another boot's though its body is the same: the one before was
// answered, and the workspace was begun anew, stopped or moved since. One that is repeated without any of that is the same.
func (c *control) another(r *http.Request, workspace string, now occasion) {
	c.mu.Lock()
	g := c.given[workspace]
	if g.sure && g.before != now {
		g.boots++
		g.sure = false
		c.given[workspace] = g
	}
	c.mu.Unlock()
	var order map[string]any
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &order) != nil || g.boots == 0 {
		r.Body = io.NopCloser(bytes.NewReader(body))
		return
	}
	env, _ := order["env"].(map[string]any)
	if env == nil {
		env = map[string]any{}
	}
	env["BOOTRACE_BOOT"] = strconv.Itoa(g.boots + 1)
	order["env"] = env
	if body, err = json.Marshal(order); err == nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
}

// about says which call of the cloud the request is, and about which workspace.
func (c *control) about(r *http.Request) (call, workspace string) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/cp/workspaces/")
	switch {
	case !ok:
	case rest == "provision":
		body, err := io.ReadAll(io.LimitReader(r.Body, maxReply))
		r.Body = io.NopCloser(bytes.NewReader(body))
		var order struct {
			WorkspaceID string `json:"workspace_id"`
		}
		if err == nil && json.Unmarshal(body, &order) == nil {
			return "launch", order.WorkspaceID
		}
	case r.Method == http.MethodDelete:
		return "terminate", rest
	}
	return "", ""
}

// refuse answers as a control plane does whose cloud says no.
func refuse(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, cloud.ErrThrottled):
		code = http.StatusTooManyRequests
	case errors.Is(err, cloud.ErrCapacity):
		code = http.StatusServiceUnavailable
	case errors.Is(err, cloud.ErrRefused):
		code = http.StatusUnprocessableEntity
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(wire.Error{Error: err.Error()}) //nolint:errcheck // a recorder takes everything
}
