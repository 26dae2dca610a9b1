package runnertest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

type body map[string]any

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // whoever asked is gone
}

func refuse(w http.ResponseWriter, code int, message string) {
	reply(w, code, body{"message": message})
}

func (x *runner) shown() body {
	return body{
		"id": x.id, "name": x.name, "os": x.os, "status": x.status, "busy": false,
		"labels": []body{{"id": 1, "name": "self-hosted", "type": "read-only"}},
	}
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /meta", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, body{"verifiable_password_authentication": false})
	})
	const runners, pool = "/repos/" + Repository + "/actions/runners", "/_apis/distributedtask/pools/1"
	for pattern, h := range map[string]http.HandlerFunc{
		"GET " + runners: s.list, "GET " + runners + "/{id}": s.get, "DELETE " + runners + "/{id}": s.remove,
		"POST " + runners + "/generate-jitconfig": s.configure, "POST " + runners + "/registration-token": s.grant,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if bearer(r) != Token {
				refuse(w, http.StatusUnauthorized, "Bad credentials")
				return
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			h(w, r)
		})
	}
	mux.HandleFunc("POST "+pool+"/agents", s.agent)
	mux.HandleFunc("POST "+pool+"/sessions", s.open)
	mux.HandleFunc("GET "+pool+"/messages", s.poll)
	return mux
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	per, page := 30, 1
	if n, err := strconv.Atoi(r.URL.Query().Get("per_page")); err == nil && n > 0 {
		per = min(n, 100)
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("page")); err == nil && n > 0 {
		page = n
	}
	shown := []body{}
	for _, x := range s.runners[min((page-1)*per, len(s.runners)):min(page*per, len(s.runners))] {
		shown = append(shown, x.shown())
	}
	reply(w, http.StatusOK, body{"total_count": len(s.runners), "runners": shown})
}

// found returns the runner that the call is about, or answers 404.
func (s *Server) found(w http.ResponseWriter, r *http.Request) *runner {
	x := s.find(func(x *runner) bool { return strconv.FormatInt(x.id, 10) == r.PathValue("id") })
	if x == nil {
		refuse(w, http.StatusNotFound, "Not Found")
	}
	return x
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	if x := s.found(w, r); x != nil {
		reply(w, http.StatusOK, x.shown())
	}
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	x := s.found(w, r)
	if x == nil {
		return
	}
	s.runners = slices.DeleteFunc(s.runners, func(y *runner) bool { return x == y })
	delete(s.sessions, x.session)
	w.WriteHeader(http.StatusNoContent)
}

// add makes a runner, or answers why not.
func (s *Server) add(w http.ResponseWriter, name string) *runner {
	switch {
	case name == "":
		refuse(w, http.StatusUnprocessableEntity, "Invalid input: object is missing required key: name.")
		return nil
	case s.find(func(x *runner) bool { return x.name == name }) != nil:
		refuse(w, http.StatusConflict, "Already exists - A runner with this name already exists")
		return nil
	}
	s.last++
	secret := fmt.Sprintf(`{"id":%d,"secret":%q}`, s.last, uuid.NewString())
	x := &runner{id: s.last, name: name, os: "unknown", status: "offline", token: base64.StdEncoding.EncodeToString([]byte(secret)), created: time.Now()}
	s.runners = append(s.runners, x)
	return x
}

func (s *Server) configure(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name   string   `json:"name"`
		Group  *int     `json:"runner_group_id"`
		Labels []string `json:"labels"`
	}
	if json.NewDecoder(r.Body).Decode(&q) != nil || q.Group == nil || len(q.Labels) == 0 {
		refuse(w, http.StatusUnprocessableEntity, "Invalid input: object is missing required keys: runner_group_id, labels.")
		return
	}
	if x := s.add(w, q.Name); x != nil {
		reply(w, http.StatusCreated, body{"runner": x.shown(), "encoded_jit_config": x.token})
	}
}

func (s *Server) grant(w http.ResponseWriter, _ *http.Request) {
	token := uuid.NewString()
	s.grants[token] = true
	reply(w, http.StatusCreated, body{"token": token, "expires_at": time.Now().Add(time.Hour).Format(time.RFC3339)})
}

// agent lets a runner register by its registration token.
func (s *Server) agent(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.grants[bearer(r)] {
		refuse(w, http.StatusUnauthorized, "the registration token is none, or was used")
		return
	}
	var q struct{ Name string }
	if json.NewDecoder(r.Body).Decode(&q) != nil {
		refuse(w, http.StatusBadRequest, "it is no agent")
		return
	}
	if x := s.add(w, q.Name); x != nil {
		delete(s.grants, bearer(r))
		reply(w, http.StatusOK, body{"id": x.id, "name": x.name, "authorization": body{"clientId": x.token}})
	}
}

// mine returns the runner whose configuration the call comes with, or answers why there is none.
func (s *Server) mine(w http.ResponseWriter, r *http.Request) *runner {
	x := s.find(func(x *runner) bool { return x.token == bearer(r) })
	switch {
	case x != nil:
	case bearer(r) == "":
		refuse(w, http.StatusUnauthorized, "no configuration is given")
	default:
		refuse(w, http.StatusNotFound, "the runner was deleted")
	}
	return x
}

func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.mine(w, r)
	if x == nil {
		return
	}
	delete(s.sessions, x.session)
	x.session = uuid.NewString()
	s.sessions[x.session] = x
	s.hear(x)
	reply(w, http.StatusOK, body{"sessionId": x.session, "ownerName": "bootrace", "agent": body{"id": x.id, "name": x.name}})
}

// poll is held until there is a job for the runner, and there never is one.
func (s *Server) poll(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	x := s.mine(w, r)
	switch {
	case x == nil:
		s.mu.Unlock()
		return
	case s.sessions[r.URL.Query().Get("sessionId")] != x:
		refuse(w, http.StatusUnauthorized, "the session has expired")
		s.mu.Unlock()
		return
	}
	s.hear(x)
	x.polls++
	s.mu.Unlock()
	wait := time.NewTimer(s.config.Hold)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-r.Context().Done():
	case <-s.Life().Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	x.polls--
	if slices.Contains(s.runners, x) {
		s.hear(x)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	refuse(w, http.StatusNotFound, "the runner was deleted")
}
