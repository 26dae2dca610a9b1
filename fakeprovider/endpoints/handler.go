package endpoints

import (
	"errors"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider/cpwire"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/internal/httpserver"
)

// Part is one of the things that are served.
type Part string

// The parts.
const (
	EC2   Part = "ec2"
	CP    Part = "cp"
	LLM   Part = "llm"
	Admin Part = "admin"
)

// Parts returns all parts.
func Parts() []Part { return []Part{EC2, CP, LLM, Admin} }

// Path is where the part is on an address that serves it.
func (p Part) Path() string {
	if p == Admin {
		return "/admin"
	}
	return ""
}

// Handler returns a handler of the parts; of all, where none is named. It is closed to browsers: see package httpserver.
func (e *Endpoints) Handler(parts ...Part) http.Handler {
	if len(parts) == 0 {
		parts = Parts()
	}
	r := mux.NewRouter()
	r.SkipClean(true)
	r.UseEncodedPath()
	var machines, plane http.Handler = e.EC2, e.CP
	if e.boots != nil {
		machines = e.boots.telling(CloudEC2, machines, ec2Order, ec2Reason)
		plane = e.boots.telling(CloudCP, plane, cpOrder, cpReason)
	}
	for _, p := range parts {
		switch p {
		case EC2:
			r.Path("/").Handler(machines)
		case CP:
			r.PathPrefix("/cp/").Handler(httpserver.JSONOnly(plane, true))
		case Admin:
			r.PathPrefix(Admin.Path() + "/").Handler(httpserver.JSONOnly(http.StripPrefix(Admin.Path(), e.admin()), false))
		case LLM: // added last, below: its paths begin with anything
		}
	}
	for _, p := range parts {
		if p == LLM {
			r.PathPrefix("/{provider}/v1/").Handler(httpserver.JSONOnly(e.LLM, true))
		}
	}
	r.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		serving.WriteJSON(w, http.StatusNotFound, map[string]any{"error": "nothing is served here", "parts": parts})
	})
	return httpserver.Closed(httpserver.Handler(r), e.hosts)
}

// State is what GET /admin/state answers.
type State struct {
	Seed  uint64         `json:"seed"`
	Speed float64        `json:"speed"`
	EC2   ec2wire.Status `json:"ec2"`
	CP    cpwire.Status  `json:"cp"`
	LLM   llm.Status     `json:"llm"`
}

// State returns what there is to see.
func (e *Endpoints) State() State {
	return State{Seed: e.seed, Speed: e.speed, EC2: e.EC2.State(), CP: e.CP.State(), LLM: e.LLM.State()}
}

// Heal has nothing go wrong any more. Preflights that were set stay so.
func (e *Endpoints) Heal() error {
	return errors.Join(e.EC2.SetFaults(ec2wire.Faults{}), e.CP.SetFaults(cpwire.Faults{}), e.LLM.SetFaults(llm.Faults{}))
}

// admin is the administration, without its prefix. The package documentation says what it answers.
func (e *Endpoints) admin() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		serving.WriteJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}).Methods(http.MethodGet)
	r.HandleFunc("/state", func(w http.ResponseWriter, _ *http.Request) {
		serving.WriteJSON(w, http.StatusOK, e.State())
	}).Methods(http.MethodGet)
	r.HandleFunc("/faults", func(w http.ResponseWriter, _ *http.Request) {
		serving.Conclude(w, e.Heal(), http.StatusInternalServerError)
	}).Methods(http.MethodDelete)
	if e.boots != nil {
		r.Handle("/boots", e.boots).Methods(http.MethodGet)
	}
	r.HandleFunc("/ec2", func(w http.ResponseWriter, _ *http.Request) {
		e.EC2.Reset()
		serving.Conclude(w, nil, http.StatusNoContent)
	}).Methods(http.MethodDelete)
	for path, h := range map[string]http.Handler{"/ec2": e.EC2.Admin(), "/cp": e.CP.Admin(), "/llm": e.LLM.Admin()} {
		r.PathPrefix(path + "/").Handler(http.StripPrefix(path, h))
	}
	return r
}
