package cpwire

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// maxCalls is how many calls are remembered one by one.
const maxCalls = 1024

// Call is one call that the server had. Calls that were not let in, or made no sense, are not among them.
type Call struct {
	At          time.Time `json:"at"`
	Call        string    `json:"call"` // provision, delete or status
	WorkspaceID string    `json:"workspace_id"`
	Status      int       `json:"status"`          // of the reply, also where it was lost; 0 where the call was dropped
	Fault       Kind      `json:"fault,omitempty"` // that struck
}

// callLog is the last calls, and how many there were of each. It is guarded by the server's lock.
type callLog struct {
	recent []Call
	totals map[string]int
}

func (l *callLog) add(c Call) {
	if len(l.recent) == maxCalls {
		l.recent = slices.Delete(l.recent, 0, maxCalls/4)
	}
	l.recent = append(l.recent, c)
	l.totals[c.Call]++
}

// Status is what GET /state of [Server.Admin] answers.
type Status struct {
	Now      time.Time      `json:"now"`
	Machines []Machine      `json:"machines"` // in the order of launches
	Faults   Faults         `json:"faults"`
	Struck   []int          `json:"struck"` // how often each rule of the faults has struck
	Calls    map[string]int `json:"calls"`  // how many there were of each
	Recent   []Call         `json:"recent"` // of a long run, the last 768 to 1024
}

// State returns what there is to see.
func (s *Server) State() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.fleet.settle(now, s.opt.Boot)
	machines := make([]Machine, len(s.fleet.all))
	for i, m := range s.fleet.all {
		machines[i] = m.snapshot()
	}
	return Status{
		Now: now, Machines: machines, Faults: s.faults.Faults, Struck: s.faults.struck(), Calls: maps.Clone(s.log.totals),
		Recent: append([]Call{}, s.log.recent...),
	}
}

// SetFaults replaces what goes wrong, with fresh counts. Nonsense is an error, and changes nothing.
func (s *Server) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = newFaultState(f, s.opt.Seed)
	return nil
}

// Admin returns the server's other side, for a harness in another process. It must not be where the servers are that are
// being tested, since it asks for no credentials.
//
//	GET  /state                        → 200 [Status]
//	PUT  /faults              [Faults] → 204; 400 where they make no sense, which changes nothing
//	POST /machines/{id}/end   {reason}, or nothing for a host that failed → 204, 404
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
	r.HandleFunc("/machines/{id}/end", func(w http.ResponseWriter, q *http.Request) {
		var why struct {
			Reason string `json:"reason"`
		}
		if q.ContentLength == 0 || serving.ReadJSON(w, q, &why) {
			serving.Conclude(w, s.End(mux.Vars(q)["id"], why.Reason), http.StatusNotFound)
		}
	}).Methods(http.MethodPost)
	return r
}
