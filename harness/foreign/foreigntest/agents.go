package foreigntest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
)

// mint gives the row another live token.
func (s *Server) mint(x *row) string {
	token := uuid.NewString()
	x.tokens = append(x.tokens, token)
	return token
}

// letIn answers 401 unless the agent may call for the row.
func (s *Server) letIn(w http.ResponseWriter, r *http.Request, x *row) bool {
	if slices.Contains(x.tokens, bearer(r)) {
		x.confirmed = true
		return true
	}
	if bearer(r) == "" && !x.confirmed && !s.config.KeepsUnconfirmed {
		return true
	}
	if len(x.tokens) > 0 {
		refuse(w, http.StatusUnauthorized, "the workspace has another token")
		return false
	}
	return true
}

func (s *Server) register(w http.ResponseWriter, r *http.Request) {
	var q struct{ ID, URL string }
	if json.NewDecoder(r.Body).Decode(&q) != nil || q.ID == "" {
		refuse(w, http.StatusBadRequest, "id is missing")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.rows[q.ID]
	switch {
	case x == nil && s.config.UnknownAccepted:
		x = s.insert(q.ID, q.ID, false)
		s.move(x, online, "register")
	case x == nil:
		refuse(w, http.StatusNotFound, "no such workspace")
		return
	case x.status == removed && !s.config.RegisterOfRemoved:
		refuse(w, http.StatusGone, "it was removed")
		return
	case !s.letIn(w, r, x):
		return
	}
	x.heard = time.Now()
	if x.status == removed {
		s.note(x.id, GrantedRemoved)
	}
	switch {
	case slices.Contains([]string{provisioning, awaiting, offline, failed}, x.status),
		s.config.RegisterUnpauses && slices.Contains([]string{paused, hibernated}, x.status):
		s.move(x, online, "register")
	case s.config.FeedTellsUnwritten && x.status != online:
		s.tell(x.id, online)
		s.note(x.id, ToldUnwritten)
	}
	answer := body{"status": "registered"}
	if len(x.tokens) == 0 || !x.confirmed && bearer(r) == "" {
		x.tokens, x.confirmed = nil, false
		answer["auth_token"] = s.mint(x)
	}
	reply(w, http.StatusOK, answer)
}

func (s *Server) heartbeat(w http.ResponseWriter, r *http.Request) {
	var q struct {
		WorkspaceID  string  `json:"workspace_id"`
		ErrorRate    float64 `json:"error_rate"`
		RuntimeState string  `json:"runtime_state"`
		ActiveTasks  int     `json:"active_tasks"`
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || q.WorkspaceID == "" {
		refuse(w, http.StatusBadRequest, "workspace_id is missing")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.rows[q.WorkspaceID]
	switch {
	case x == nil && s.config.UnknownAccepted:
		reply(w, http.StatusOK, body{"status": "ok"})
		return
	case x == nil:
		refuse(w, http.StatusNotFound, "no such workspace")
		return
	case x.status == removed && s.config.BeatOfRemoved:
		s.note(x.id, GrantedRemoved)
		reply(w, http.StatusOK, body{"status": "ok"})
		return
	case x.status == removed:
		refuse(w, http.StatusGone, "it was removed")
		return
	case !s.letIn(w, r, x):
		return
	}
	x.heard, x.tasks = time.Now(), q.ActiveTasks
	sick := q.ErrorRate >= 0.5 || q.RuntimeState == "wedged"
	switch {
	case slices.Contains([]string{provisioning, awaiting, offline}, x.status), x.status == failed && !s.config.BeatIgnoresFailed,
		x.status == degraded && q.ErrorRate < 0.1 && !sick:
		s.move(x, online, "heartbeat")
	case x.status == online && sick:
		s.move(x, degraded, "heartbeat")
	}
	reply(w, http.StatusOK, body{"status": "ok"})
}
