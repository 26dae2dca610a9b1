package foreigntest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

type body map[string]any

func (s *Server) handler() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, body{"status": "ok"}) })
	m.HandleFunc("GET /workspaces", s.admin(s.list))
	m.HandleFunc("POST /workspaces", s.admin(s.create))
	m.HandleFunc("GET /workspaces/{id}", s.get)
	m.HandleFunc("DELETE /workspaces/{id}", s.admin(s.about(s.remove)))
	m.HandleFunc("POST /workspaces/{id}/restart", s.admin(s.about(s.restart)))
	m.HandleFunc("POST /workspaces/{id}/pause", s.admin(s.about(s.pause)))
	m.HandleFunc("POST /workspaces/{id}/resume", s.admin(s.about(s.resume)))
	m.HandleFunc("POST /workspaces/{id}/hibernate", s.admin(s.about(s.hibernate)))
	m.HandleFunc("POST /admin/workspaces/{id}/bootstrap-failed", s.admin(s.about(s.bootstrapFailed)))
	m.HandleFunc("GET /events", s.admin(s.events))
	m.HandleFunc("POST /registry/register", s.register)
	m.HandleFunc("POST /registry/heartbeat", s.heartbeat)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		dead := s.dead
		s.mu.Unlock()
		if dead {
			panic(http.ErrAbortHandler)
		}
		if !s.admitted(w, r) {
			return
		}
		s.Sleep(s.config.Latency)
		m.ServeHTTP(w, r)
	})
}

func reply(w http.ResponseWriter, code int, content any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(content) //nolint:errcheck // whoever asked is gone
}

func refuse(w http.ResponseWriter, code int, why string) { reply(w, code, body{"error": why}) }

func bearer(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

func (s *Server) admin(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case s.config.NeedsOrg && r.Header.Get("X-Molecule-Org-Id") == "":
			refuse(w, http.StatusNotFound, "no such organisation")
		case bearer(r) != AdminToken:
			refuse(w, http.StatusUnauthorized, "who are you?")
		default:
			next(w, r)
		}
	}
}

func (s *Server) about(next func(http.ResponseWriter, *http.Request, *row)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		x := s.rows[r.PathValue("id")]
		s.mu.Unlock()
		if x == nil {
			refuse(w, http.StatusNotFound, "no such workspace")
			return
		}
		next(w, r, x)
	}
}

func (r *row) shown() body {
	return body{"id": r.id, "name": r.name, "status": r.status, "runtime": r.runtime, "failure_cause": r.cause, "url": "", "agent_card": nil}
}

func (s *Server) list(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	all := []body{}
	for _, id := range s.order {
		if r := s.rows[id]; r.status != removed {
			all = append(all, r.shown())
		}
	}
	s.mu.Unlock()
	reply(w, http.StatusOK, all)
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	x := s.rows[r.PathValue("id")]
	if x != nil && x.status == removed && s.config.RemovedNotShown {
		x = nil
	}
	var shown body
	if x != nil {
		shown = x.shown()
	}
	s.mu.Unlock()
	if x == nil {
		refuse(w, http.StatusNotFound, "no such workspace")
		return
	}
	reply(w, http.StatusOK, shown)
}

func (s *Server) events(w http.ResponseWriter, _ *http.Request) {
	if s.config.NoFeed {
		refuse(w, http.StatusNotFound, "no events here")
		return
	}
	s.mu.Lock()
	last := slices.Clone(s.feed[max(len(s.feed)-100, 0):])
	s.mu.Unlock()
	slices.Reverse(last)
	reply(w, http.StatusOK, last)
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name, Runtime, URL string
		ParentID           string `json:"parent_id"`
		External           bool
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || q.Name == "" {
		refuse(w, http.StatusBadRequest, "name is missing")
		return
	}
	s.mu.Lock()
	x := s.insert("", q.Name, q.External)
	x.runtime, x.parent = q.Runtime, q.ParentID
	answer := body{"id": x.id, "external": x.external}
	switch {
	case q.External && q.URL != "":
		if s.config.CreateInSteps {
			s.move(x, provisioning, "create")
			s.step()
		}
		s.move(x, online, "create")
		x.heard = time.Now()
	case q.External:
		token := s.mint(x)
		x.confirmed = true
		s.move(x, awaiting, "create")
		answer["connection"] = body{"workspace_id": x.id, "platform_url": s.URL, "auth_token": token}
	default:
		s.move(x, provisioning, "create")
		if s.config.TokensElsewhere {
			s.mint(x)
			x.confirmed = true
		}
		s.provision(x)
		if s.config.ProvisionFirst {
			s.step()
		}
	}
	answer["status"] = x.status
	s.mu.Unlock()
	reply(w, http.StatusCreated, answer)
}

// step lets others go on between two steps of a call; the lock is given up meanwhile.
func (s *Server) step() {
	s.mu.Unlock()
	s.Sleep(s.config.Step)
	s.mu.Lock()
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request, x *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.family(x)
	if len(all) > 1 && (r.URL.Query().Get("confirm") != "true" || !s.config.ConfirmCascades) {
		refuse(w, http.StatusConflict, "it has children")
		return
	}
	for _, each := range all {
		each.tokens = nil
		if each.status != removed {
			s.move(each, removed, "delete")
			s.stop(each)
		}
	}
	reply(w, http.StatusOK, body{"status": removed})
}

// again begins another boot of the row.
func (s *Server) again(x *row, by string) {
	if !s.config.KeepsToken {
		x.tokens, x.confirmed = nil, false
	}
	x.inc++
	x.began = time.Now()
	to := provisioning
	if x.external {
		to = awaiting
	}
	s.move(x, to, by)
}

func (s *Server) restart(w http.ResponseWriter, _ *http.Request, x *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case x.status == removed || x.status == paused:
		refuse(w, http.StatusNotFound, "it cannot be restarted")
		return
	case x.parent != "" && s.rows[x.parent] != nil && s.rows[x.parent].status == paused:
		refuse(w, http.StatusConflict, "its parent is paused")
		return
	}
	s.stop(x)
	s.again(x, "restart")
	if s.config.RestartInSteps {
		s.step()
		if x.status != removed {
			s.move(x, provisioning, "restart")
		}
	}
	s.provision(x)
	reply(w, http.StatusOK, body{"status": provisioning})
}

func (s *Server) pause(w http.ResponseWriter, _ *http.Request, x *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.status == removed || x.status == paused {
		refuse(w, http.StatusNotFound, "it cannot be paused")
		return
	}
	n := 0
	for i, each := range s.family(x) {
		if i > 0 && s.config.FamilyInSteps {
			s.step()
		}
		if each.status != removed && each.status != paused {
			s.move(each, paused, "pause")
			s.stop(each)
			n++
		}
	}
	reply(w, http.StatusOK, body{"paused_count": n})
}

func (s *Server) resume(w http.ResponseWriter, _ *http.Request, x *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wakes := func(r *row) bool {
		return r.status == paused || r.status == hibernated && !s.config.ResumeHibernated404
	}
	switch {
	case !wakes(x):
		refuse(w, http.StatusNotFound, "it is not paused")
		return
	case x.parent != "" && s.rows[x.parent] != nil && s.rows[x.parent].status == paused:
		refuse(w, http.StatusConflict, "its parent is paused")
		return
	}
	n := 0
	for i, each := range s.family(x) {
		if i > 0 && s.config.FamilyInSteps {
			s.step()
		}
		if wakes(each) {
			s.again(each, "resume")
			s.provision(each)
			n++
		}
	}
	reply(w, http.StatusOK, body{"resumed_count": n})
}

func (s *Server) hibernate(w http.ResponseWriter, r *http.Request, x *row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.status != online && x.status != degraded {
		refuse(w, http.StatusNotFound, "it is not online")
		return
	}
	if x.tasks > 0 && r.URL.Query().Get("force") != "true" {
		refuse(w, http.StatusConflict, "it has active tasks")
		return
	}
	s.move(x, hibernating, "hibernate")
	s.stop(x)
	s.step()
	if x.status == hibernating {
		s.move(x, hibernated, "hibernate")
	}
	reply(w, http.StatusOK, body{"status": x.status})
}

func (s *Server) bootstrapFailed(w http.ResponseWriter, r *http.Request, x *row) {
	var q struct{ Error string }
	json.NewDecoder(r.Body).Decode(&q) //nolint:errcheck // what is missing is empty
	s.mu.Lock()
	defer s.mu.Unlock()
	if x.status != provisioning {
		reply(w, http.StatusOK, body{"ok": true, "no_change": true})
		return
	}
	s.fail(x, q.Error, "bootstrap-failed")
	reply(w, http.StatusOK, body{"ok": true})
}
