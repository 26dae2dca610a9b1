package controller

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// The calls that create and show workspaces.

// defaultRuntime is what a workspace runs that names no runtime.
const defaultRuntime = "claude-code"

func (c *Controller) create(w http.ResponseWriter, r *http.Request) {
	var q wire.CreateRequest
	if !decode(w, r, maxBody, &q) {
		return
	}
	ws := store.Workspace{
		Name: q.Name, Runtime: q.Runtime, Model: q.Model, Template: q.Template, Tier: q.Tier,
		External: q.External, URL: q.URL, Incarnation: 1,
	}
	if why := checkCreate(q, &ws); why != "" {
		refuse(w, http.StatusBadRequest, why)
		return
	}
	var err error
	if ws.ID, err = uuid.NewRandomFromReader(c.Entropy); err != nil {
		c.fail(w, r, fmt.Errorf("drawing an id: %w", err))
		return
	}
	ws.CreatedAt = c.Clock.Now()
	event, token := lifecycle.Create, ""
	if q.External {
		event = lifecycle.CreateExternal
		if q.URL == "" {
			event = lifecycle.CreateAwaiting
			if token, err = c.newToken(); err != nil {
				c.fail(w, r, err)
				return
			}
		}
	} else {
		ws.BootStartedAt = ws.CreatedAt
		ws.BootDeadline = ws.CreatedAt.Add(c.Settings.Budget(ws.Runtime))
		token = c.bootToken(ws.ID, ws.Incarnation)
	}
	// Tokens that do not travel in a register's reply are confirmed from the start.
	ws.Token, ws.TokenConfirmed = store.HashToken(token), token != ""
	t, err := c.Store.Create(r.Context(), ws, event)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.metrics.moved[t.Event].Inc()
	reply := wire.CreateReply{ID: ws.ID.String(), External: ws.External, Status: t.To.String()}
	if event == lifecycle.CreateAwaiting {
		reply.Connection = &wire.Connection{
			WorkspaceID: reply.ID, PlatformURL: c.PublicURL,
			RegistryEndpoint: c.PublicURL + wire.PathRegister, HeartbeatEndpoint: c.PublicURL + wire.PathHeartbeat,
			AuthToken: token,
		}
	}
	answer(w, http.StatusCreated, reply)
}

// checkCreate says why the request cannot be granted, or nothing, and fills in what it leaves to us.
func checkCreate(q wire.CreateRequest, ws *store.Workspace) string {
	switch {
	case q.Name == "":
		return "name is required"
	case len(q.Secrets) > 0:
		return "secrets are not kept by this controller; leave the field out"
	case q.URL != "" && !q.External:
		return "url is only for external workspaces"
	}
	if q.URL != "" {
		if u, err := url.Parse(q.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
			return fmt.Sprintf("url %q is not an http or https URL with a host", q.URL)
		}
	}
	if q.ParentID != "" {
		parent, err := uuid.Parse(q.ParentID)
		if err != nil {
			return fmt.Sprintf("parent_id %q is no workspace id", q.ParentID)
		}
		ws.ParentID = uuid.NullUUID{UUID: parent, Valid: true}
	}
	if ws.Runtime == "" {
		ws.Runtime = defaultRuntime
	}
	return ""
}

func (c *Controller) list(w http.ResponseWriter, r *http.Request) {
	rows, err := c.Store.List(r.Context())
	if err != nil {
		c.fail(w, r, err)
		return
	}
	all := make([]wire.Workspace, 0, len(rows))
	for i := range rows {
		all = append(all, show(&rows[i]))
	}
	answer(w, http.StatusOK, all)
}

func (c *Controller) get(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	if ws, ok := c.find(w, r, vars); ok {
		answer(w, http.StatusOK, show(&ws))
	}
}

// find returns the workspace that the path names; where there is none it has answered.
func (c *Controller) find(w http.ResponseWriter, r *http.Request, vars map[string]string) (store.Workspace, bool) {
	id, ok := pathID(w, vars)
	if !ok {
		return store.Workspace{}, false
	}
	ws, err := c.Store.Get(r.Context(), id)
	if err != nil {
		c.fail(w, r, err)
		return store.Workspace{}, false
	}
	return ws, true
}

// operable is find for the calls that act on one workspace: it must not be removed, and the caller must be its agent or
// an operator.
func (c *Controller) operable(w http.ResponseWriter, r *http.Request, vars map[string]string) (store.Workspace, bool) {
	ws, ok := c.find(w, r, vars)
	switch {
	case !ok:
		return ws, false
	case ws.Status == lifecycle.Removed:
		refuse(w, http.StatusNotFound, store.ErrRemoved.Error())
		return ws, false
	case !c.mayOperate(r, &ws):
		refuse(w, http.StatusUnauthorized, "this call needs the workspace's token or the admin token")
		return ws, false
	}
	return ws, true
}

func show(w *store.Workspace) wire.Workspace {
	v := wire.Workspace{
		ID: w.ID.String(), Name: w.Name, Status: w.Status.String(), Runtime: w.Runtime, Model: w.Model, Tier: w.Tier,
		External: w.External, Incarnation: w.Incarnation, AgentCard: w.Card, URL: w.URL, ActiveTasks: w.ActiveTasks,
		CurrentTask: w.CurrentTask, UptimeSeconds: w.UptimeSeconds, LastErrorRate: w.ErrorRate,
		SampleError: w.SampleError, RuntimeState: w.RuntimeState, FailureCause: w.Cause,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
	if w.ParentID.Valid {
		v.ParentID = w.ParentID.UUID.String()
	}
	if !w.LastSeenAt.IsZero() {
		seen := w.LastSeenAt
		v.LastHeartbeat = &seen
	}
	return v
}

func (c *Controller) state(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	ws, ok := c.operable(w, r, vars)
	if !ok {
		return
	}
	answer(w, http.StatusOK, wire.State{
		WorkspaceID: ws.ID.String(), Status: ws.Status.String(), Paused: ws.Status == lifecycle.Paused,
		Deleted: ws.Status == lifecycle.Removed,
	})
}

// lastEvents is how many entries GET /events shows.
const lastEvents = 100

func (c *Controller) events(w http.ResponseWriter, r *http.Request, vars map[string]string) {
	var of uuid.NullUUID
	if r.URL.Path != wire.PathEvents {
		id, ok := pathID(w, vars)
		if !ok {
			return
		}
		of = uuid.NullUUID{UUID: id, Valid: true}
	}
	log, err := c.Store.Transitions(r.Context(), of, lastEvents)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	all := make([]wire.Event, 0, len(log))
	for _, t := range log {
		all = append(all, wire.Event{
			EventType: wire.EventType(t.To.String()), WorkspaceID: t.WorkspaceID.String(),
			Payload: wire.EventPayload{
				Event: t.Event.String(), From: t.From.String(), To: t.To.String(), Incarnation: t.Incarnation, Cause: t.Cause,
			},
			CreatedAt: t.At,
		})
	}
	answer(w, http.StatusOK, all)
}
