package llm

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// Status is what GET /state of [Server.Admin] answers.
type Status struct {
	Seed       uint64      `json:"seed"`
	Speed      float64     `json:"speed"`
	Now        time.Time   `json:"now"`
	Providers  []Tally     `json:"providers"`
	Preflights []Preflight `json:"preflights"`
	Faults     Faults      `json:"faults"`
	Struck     []int       `json:"struck"` // how often each rule of the faults has struck
	Recent     []Call      `json:"recent"`
}

// State returns what there is to see.
func (s *Server) State() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Seed: s.opt.Seed, Speed: s.opt.Speed, Now: s.opt.Now(), Providers: slices.Clone(s.log.totals), Preflights: s.preflightList(),
		Faults: s.faults, Struck: s.struck(), Recent: append([]Call{}, s.log.recent...),
	}
}

// Admin returns the server's other side, for a harness in another process. It must not be where the agents are that are being
// tested, since it asks for no credentials.
//
//	GET    /state                                → 200 [Status]
//	PUT    /faults                      [Faults] → 204; 400 where they make no sense, which changes nothing
//	PUT    /workspaces/{id}/preflight {takes, refusals} → 204, 400; see [Server.SetPreflight]
//	DELETE /workspaces/{id}/preflight            → 204; 404 where none was set
func (s *Server) Admin() http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/state", func(w http.ResponseWriter, _ *http.Request) {
		serving.WriteJSON(w, http.StatusOK, s.State())
	}).Methods(http.MethodGet)
	r.HandleFunc("/faults", func(w http.ResponseWriter, q *http.Request) {
		var f Faults
		if serving.ReadJSON(w, q, &f) {
			serving.Conclude(w, s.SetFaults(f), http.StatusBadRequest)
		}
	}).Methods(http.MethodPut)
	preflight := r.Path("/workspaces/{id}/preflight").Subrouter()
	preflight.Methods(http.MethodPut).HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var p struct {
			Takes    *Duration `json:"takes"`
			Refusals int       `json:"refusals"`
		}
		switch {
		case !serving.ReadJSON(w, q, &p):
		case p.Takes == nil:
			http.Error(w, "takes is missing", http.StatusBadRequest)
		default:
			serving.Conclude(w, s.SetPreflight(mux.Vars(q)["id"], time.Duration(*p.Takes), p.Refusals), http.StatusBadRequest)
		}
	})
	preflight.Methods(http.MethodDelete).HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var err error
		if id := mux.Vars(q)["id"]; !s.ForgetPreflight(id) {
			err = fmt.Errorf("llm: no preflight of %q is set", id)
		}
		serving.Conclude(w, err, http.StatusNotFound)
	})
	return r
}
