package foreign

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

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
}

func newControl(s *Session) *control {
	c := &control{fleet: newFleet(s)}
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
	m := c.session.owner(workspace)
	if call == "" || m == nil {
		c.server.ServeHTTP(w, r)
		return
	}
	run := m.world
	run.mu.Lock()
	sent := run.now()
	fate := run.faults.CloudCall(m.number, call)
	inc := max(m.begun, 1)
	run.mu.Unlock()
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
		e.Err = strings.TrimSpace(reply.Body.String())
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
	w.Write(reply.Body.Bytes()) //nolint:errcheck // whoever asked is gone
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
