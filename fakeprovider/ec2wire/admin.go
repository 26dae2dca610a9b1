package ec2wire

import (
	"maps"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// Status is what GET /state of [Server.Admin] answers.
type Status struct {
	Region   string         `json:"region"`
	Now      time.Time      `json:"now"`
	Machines []Machine      `json:"machines"`
	Faults   Faults         `json:"faults"`
	Struck   []int          `json:"struck"` // how often each rule of the faults has struck
	Calls    map[string]int `json:"calls"`  // how many there were of each action
	Recent   []Call         `json:"recent"`
}

// Admin returns the server's other side, for a harness in another process. It must not be where the clients are that are
// being tested, since it asks for no credentials.
//
//	GET  /state                   → 200 [Status]
//	PUT  /faults         [Faults] → 204; 400 where they make no sense, which changes nothing
//	PUT  /snapshots/{name}       {} → 204; 400 where too many are kept
//	POST /snapshots/{name}/restore {} → 204, 404
//	POST /machines/{id}/end   [Reason], or nothing for a spot interruption → 204, 404
//	POST /machines/{id}/console  a string, appended → 204, 404
func (s *Server) Admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) {
		serving.WriteJSON(w, http.StatusOK, s.State())
	})
	mux.HandleFunc("PUT /faults", func(w http.ResponseWriter, r *http.Request) {
		var f Faults
		if serving.ReadJSON(w, r, &f) {
			serving.Conclude(w, s.SetFaults(f), http.StatusBadRequest)
		}
	})
	mux.HandleFunc("PUT /snapshots/{name}", func(w http.ResponseWriter, r *http.Request) {
		serving.Conclude(w, s.Snapshot(r.PathValue("name")), http.StatusBadRequest)
	})
	mux.HandleFunc("POST /snapshots/{name}/restore", func(w http.ResponseWriter, r *http.Request) {
		serving.Conclude(w, s.Restore(r.PathValue("name")), http.StatusNotFound)
	})
	mux.HandleFunc("POST /machines/{id}/end", func(w http.ResponseWriter, r *http.Request) {
		why := SpotInterruption
		if r.ContentLength == 0 || serving.ReadJSON(w, r, &why) {
			serving.Conclude(w, s.End(r.PathValue("id"), why), http.StatusNotFound)
		}
	})
	mux.HandleFunc("POST /machines/{id}/console", func(w http.ResponseWriter, r *http.Request) {
		var text string
		if serving.ReadJSON(w, r, &text) {
			serving.Conclude(w, s.WriteConsole(r.PathValue("id"), text), http.StatusNotFound)
		}
	})
	return mux
}

// State returns what there is to see.
func (s *Server) State() Status {
	machines := s.Machines()
	s.mu.Lock()
	defer s.mu.Unlock()
	return Status{
		Region: s.opt.Region, Now: s.opt.Now(), Machines: machines, Faults: s.faults.Faults, Struck: s.faults.struck(),
		Calls: maps.Clone(s.log.totals), Recent: append([]Call{}, s.log.recent...),
	}
}
