package controller

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// The calls of agents. Each proves its token to the store in the same statement that acts.

var replyOK = []byte(`{"status":"ok"}`)

func (c *Controller) heartbeat(w http.ResponseWriter, r *http.Request) {
	var b wire.Heartbeat
	if !decode(w, r, maxBeat, &b) {
		return
	}
	id, err := uuid.Parse(b.WorkspaceID)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("workspace_id %q is no workspace id", b.WorkspaceID))
		return
	}
	if b.RuntimeState != "" && b.RuntimeState != wire.Wedged {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("runtime_state %q is neither empty nor %q", b.RuntimeState, wire.Wedged))
		return
	}
	out, err := c.Store.Heartbeat(r.Context(), store.Beat{
		ID: id, Token: store.HashToken(bearer(r)),
		Event:     lifecycle.BeatEvent(b.ErrorRate, b.RuntimeState == wire.Wedged),
		ErrorRate: b.ErrorRate, SampleError: b.SampleError, ActiveTasks: b.ActiveTasks, UptimeSeconds: b.UptimeSeconds,
		CurrentTask: b.CurrentTask, RuntimeState: b.RuntimeState, Now: c.Clock.Now(),
	})
	if err != nil {
		if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrRemoved) || errors.Is(err, store.ErrUnauthorized) {
			c.metrics.beatsRefused.Inc()
		} else {
			c.metrics.beatsFailed.Inc()
		}
		c.fail(w, r, err)
		return
	}
	c.metrics.beatsAccepted.Inc()
	c.metrics.count(out)
	answerRaw(w, http.StatusOK, replyOK)
}

func (c *Controller) register(w http.ResponseWriter, r *http.Request) {
	var q wire.RegisterRequest
	if !decode(w, r, maxBody, &q) {
		return
	}
	id, err := uuid.Parse(q.ID)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("id %q is no workspace id", q.ID))
		return
	}
	if err := checkAgentURL(q.URL); err != nil {
		refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if len(q.AgentCard) == 0 || string(q.AgentCard) == "null" {
		refuse(w, http.StatusBadRequest, "agent_card is required")
		return
	}
	presented := bearer(r)
	var minted string
	if presented == "" {
		if minted, err = c.newToken(); err != nil {
			c.fail(w, r, err)
			return
		}
	}
	out, err := c.Store.Register(r.Context(), store.Registration{
		ID: id, Token: store.HashToken(presented), NewToken: store.HashToken(minted),
		URL: q.URL, Card: q.AgentCard, Now: c.Clock.Now(),
	})
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.metrics.count(out)
	reply := wire.RegisterReply{Status: "registered"}
	if out.Minted {
		reply.AuthToken = minted
	}
	answer(w, http.StatusOK, reply)
}

func (c *Controller) updateCard(w http.ResponseWriter, r *http.Request) {
	var q wire.UpdateCardRequest
	if !decode(w, r, maxBody, &q) {
		return
	}
	id, err := uuid.Parse(q.WorkspaceID)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("workspace_id %q is no workspace id", q.WorkspaceID))
		return
	}
	if len(q.AgentCard) == 0 || string(q.AgentCard) == "null" {
		refuse(w, http.StatusBadRequest, "agent_card is required")
		return
	}
	if err := c.Store.UpdateCard(r.Context(), id, store.HashToken(bearer(r)), q.AgentCard); err != nil {
		c.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, wire.StatusReply{Status: "updated"})
}

// checkAgentURL refuses what the contract refuses: an agent's URL must be http or https with a host, and not a loopback
// address as a number (the name localhost is fine), which would make the controller call itself.
func checkAgentURL(raw string) error {
	if raw == "" {
		return errors.New("url is required")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("url %q is not an http or https URL with a host", raw)
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() {
		return fmt.Errorf("url %q is a loopback address", raw)
	}
	return nil
}
