package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	// The standard library's next encoding/json: a fifth of the time for a heartbeat, and stricter about what it takes.
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// Limits of request bodies, in bytes. An agent's card and a log tail are the largest things that anybody sends.
const (
	maxBody = 1 << 20
	maxBeat = 64 << 10
)

func (c *Controller) routes() http.Handler {
	r := mux.NewRouter()
	r.SkipClean(true) // of no use to any handler
	post := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodPost) }
	get := func(path string, h http.HandlerFunc) { r.HandleFunc(path, h).Methods(http.MethodGet) }

	post(wire.PathHeartbeat, c.heartbeat)
	post(wire.PathRegister, c.register)
	post(wire.PathUpdateCard, c.updateCard)

	post(wire.PathWorkspaces, c.admin(c.create))
	get(wire.PathWorkspaces, c.admin(c.list))
	get("/workspaces/{id}", c.get)
	r.HandleFunc("/workspaces/{id}", c.admin(c.remove)).Methods(http.MethodDelete)
	get("/workspaces/{id}/state", c.state)
	post("/workspaces/{id}/restart", c.restart)
	post("/workspaces/{id}/pause", c.pause)
	post("/workspaces/{id}/resume", c.resume)
	post("/workspaces/{id}/hibernate", c.hibernate)
	post("/admin/workspaces/{id}/bootstrap-failed", c.admin(c.bootstrapFailed))

	get(wire.PathEvents, c.admin(c.events))
	get("/events/{id}", c.admin(c.events))
	get(wire.PathHealth, c.health)
	if g, ok := c.Metrics.(prometheus.Gatherer); ok {
		r.Handle(wire.PathMetrics, promhttp.HandlerFor(g, promhttp.HandlerOpts{})).Methods(http.MethodGet)
	}
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, "no such call: "+r.Method+" "+r.URL.Path)
	})
	r.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusMethodNotAllowed, r.Method+" is not for "+r.URL.Path)
	})
	// Heartbeats are nearly all of the load, and the router's way to a handler costs a third of one: two copies of the
	// request for variables that this route does not have. So they are recognised before it.
	return http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == wire.PathHeartbeat && q.Method == http.MethodPost {
			c.heartbeat(w, q)
			return
		}
		r.ServeHTTP(w, q)
	})
}

// admin lets only operators through.
func (c *Controller) admin(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !c.isAdmin(r) {
			refuse(w, http.StatusUnauthorized, "this call needs the admin token")
			return
		}
		h(w, r)
	}
}

// pathID returns the workspace that the path names; where that is no UUID it has answered.
func pathID(w http.ResponseWriter, r *http.Request) (uuid.UUID, bool) {
	raw := mux.Vars(r)["id"]
	id, err := uuid.Parse(raw)
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is no workspace id", raw))
		return uuid.UUID{}, false
	}
	return id, true
}

// decode reads the JSON body into v; where it cannot, it has answered.
func decode(w http.ResponseWriter, r *http.Request, limit int64, v any) bool {
	body, err := readBody(r, limit)
	if err != nil {
		code := http.StatusBadRequest
		if errors.Is(err, errTooLarge) {
			code = http.StatusRequestEntityTooLarge
		}
		refuse(w, code, err.Error())
		return false
	}
	if err := jsonv2.Unmarshal(body, v); err != nil {
		refuse(w, http.StatusBadRequest, "the body is not the JSON that this call takes: "+err.Error())
		return false
	}
	return true
}

var errTooLarge = errors.New("the body is too large")

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	if r.ContentLength > 0 {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, fmt.Errorf("reading the body: %w", err)
		}
		return body, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the body: %w", err)
	case int64(len(body)) > limit:
		return nil, errTooLarge
	}
	return body, nil
}

// contentJSON is shared by all replies: handlers never change header values in place.
var contentJSON = []string{"application/json"}

// answer writes a JSON reply.
func answer(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil { // only a programming error gets here
		code, body = http.StatusInternalServerError, []byte(`{"error":"encoding the reply failed"}`)
	}
	answerRaw(w, code, body)
}

func answerRaw(w http.ResponseWriter, code int, body []byte) {
	w.Header()["Content-Type"] = contentJSON
	w.WriteHeader(code)
	w.Write(body) //nolint:errcheck // the client is gone; there is nobody to tell
}

func refuse(w http.ResponseWriter, code int, why string) { answer(w, code, wire.Error{Error: why}) }

// fail answers for an error of the store.
func (c *Controller) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		refuse(w, http.StatusNotFound, err.Error())
	case errors.Is(err, store.ErrRemoved):
		refuse(w, http.StatusGone, err.Error())
	case errors.Is(err, store.ErrUnauthorized):
		refuse(w, http.StatusUnauthorized, err.Error())
	case errors.Is(err, store.ErrHasChildren):
		refuse(w, http.StatusConflict, err.Error())
	case errors.Is(err, store.ErrParent):
		refuse(w, http.StatusBadRequest, err.Error())
	default:
		c.Logger.ErrorContext(r.Context(), "call failed", "method", r.Method, "path", r.URL.Path, "error", err)
		refuse(w, http.StatusInternalServerError, "the store failed; whether the call took effect is unknown: "+err.Error())
	}
}

func (c *Controller) health(w http.ResponseWriter, r *http.Request) {
	if err := c.Store.Ping(r.Context()); err != nil {
		refuse(w, http.StatusServiceUnavailable, "the store cannot be reached: "+err.Error())
		return
	}
	answerRaw(w, http.StatusOK, replyOK)
}
