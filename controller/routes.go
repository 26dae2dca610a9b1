package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

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

// route is what answers a call of the contract. The vars are those of its path.
type route func(c *Controller, w http.ResponseWriter, r *http.Request, vars map[string]string)

// ServeHTTP lets a route be a handler for the router; it is never served by it.
func (route) ServeHTTP(http.ResponseWriter, *http.Request) {
	panic("controller: a route was served without its controller")
}

// router knows the contract's calls. It is the same for every controller and takes a while to make, and controllers are
// made thousands of times a second in a simulation.
var router = sync.OnceValue(func() *mux.Router {
	r := mux.NewRouter()
	r.SkipClean(true) // of no use to any call
	post := func(path string, h route) { r.Handle(path, h).Methods(http.MethodPost) }
	get := func(path string, h route) { r.Handle(path, h).Methods(http.MethodGet) }

	// Routes are tried in order, and heartbeats are nearly all of the load.
	post(wire.PathHeartbeat, plainly((*Controller).heartbeat))
	post(wire.PathRegister, plainly((*Controller).register))
	post(wire.PathUpdateCard, plainly((*Controller).updateCard))

	post(wire.PathWorkspaces, admin(plainly((*Controller).create)))
	get(wire.PathWorkspaces, admin(plainly((*Controller).list)))
	get("/workspaces/{id}", (*Controller).get)
	r.Handle("/workspaces/{id}", admin((*Controller).remove)).Methods(http.MethodDelete)
	get("/workspaces/{id}/state", (*Controller).state)
	post("/workspaces/{id}/restart", (*Controller).restart)
	post("/workspaces/{id}/pause", (*Controller).pause)
	post("/workspaces/{id}/resume", (*Controller).resume)
	post("/workspaces/{id}/hibernate", (*Controller).hibernate)
	post("/admin/workspaces/{id}/bootstrap-failed", admin((*Controller).bootstrapFailed))

	get(wire.PathEvents, admin((*Controller).events))
	get("/events/{id}", admin((*Controller).events))
	get(wire.PathHealth, plainly((*Controller).health))
	get(wire.PathMetrics, plainly((*Controller).exportMetrics))
	return r
})

// ServeHTTP implements http.Handler. It asks the router which route a request matches and calls that itself: the
// router's own way copies the request twice to carry the vars in its context, a third of a heartbeat's cost.
func (c *Controller) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var match mux.RouteMatch
	switch {
	case router().Match(r, &match) && match.MatchErr == nil:
		match.Handler.(route)(c, w, r, match.Vars)
	case errors.Is(match.MatchErr, mux.ErrMethodMismatch):
		refuse(w, http.StatusMethodNotAllowed, r.Method+" is not for "+r.URL.Path)
	default:
		refuse(w, http.StatusNotFound, "no such call: "+r.Method+" "+r.URL.Path)
	}
}

// plainly makes a route of a call whose path has no vars.
func plainly(h func(*Controller, http.ResponseWriter, *http.Request)) route {
	return func(c *Controller, w http.ResponseWriter, r *http.Request, _ map[string]string) { h(c, w, r) }
}

// admin lets only operators through.
func admin(h route) route {
	return func(c *Controller, w http.ResponseWriter, r *http.Request, vars map[string]string) {
		if !c.isAdmin(r) {
			refuse(w, http.StatusUnauthorized, "this call needs the admin token")
			return
		}
		h(c, w, r, vars)
	}
}

// pathID returns the workspace that the path names; where that is no UUID it has answered.
func pathID(w http.ResponseWriter, vars map[string]string) (uuid.UUID, bool) {
	id, err := uuid.Parse(vars["id"])
	if err != nil {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("%q is no workspace id", vars["id"]))
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

// exportMetrics serves what the registry that the controller was given has gathered.
func (c *Controller) exportMetrics(w http.ResponseWriter, r *http.Request) {
	gatherer, ok := c.Metrics.(prometheus.Gatherer)
	if !ok {
		refuse(w, http.StatusNotFound, "this controller exports no metrics")
		return
	}
	promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
