package cpwire

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// Server is a fake control plane. See the package documentation for what it guarantees.
type Server struct {
	opt    Options
	router *mux.Router

	mu     sync.Mutex
	fleet  fleet
	faults faultState
	log    callLog
	told   serving.Queue[Machine]
}

// New returns a server with no machines. It panics where Options.Faults make no sense; [Faults.Validate] tells before.
func New(o Options) *Server {
	if err := o.Faults.Validate(); err != nil {
		panic(err)
	}
	o = o.withDefaults()
	s := &Server{
		opt: o, fleet: fleet{most: o.MaxMachines}, faults: newFaultState(o.Faults, o.Seed), log: callLog{totals: map[string]int{}},
	}
	r := mux.NewRouter()
	r.HandleFunc("/cp/workspaces/provision", s.provision).Methods(http.MethodPost)
	r.HandleFunc("/cp/workspaces/{id}", s.remove).Methods(http.MethodDelete)
	r.HandleFunc("/cp/workspaces/{id}/status", s.status).Methods(http.MethodGet)
	r.NotFoundHandler = refuse(problem{http.StatusNotFound, "there is no such call"})
	r.MethodNotAllowedHandler = refuse(problem{http.StatusMethodNotAllowed, "the call has another method"})
	s.router = r
	return s
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.router.ServeHTTP(w, r) }

// problem is an error reply.
type problem struct {
	status  int
	message string
}

func refuse(p problem) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { p.reply().Deliver(w, r, serving.Kept) }
}

func (p problem) reply() serving.Reply {
	o := encode(p.status, map[string]string{"error": p.message})
	if p.status == http.StatusTooManyRequests {
		o.Header = http.Header{"Retry-After": {"1"}}
	}
	return o
}

func encode(status int, body any) serving.Reply {
	text, err := json.Marshal(body)
	if err != nil { // they are made of strings
		panic(err)
	}
	return serving.Reply{Status: status, Type: "application/json", Body: text}
}

// instance is the reply of calls about a machine.
type instance struct {
	ID        string `json:"instance_id"`
	PrivateIP string `json:"private_ip"`
	State     State  `json:"state"`
}

func (m *machine) reply(status int) serving.Reply {
	return encode(status, instance{m.ID, m.PrivateIP, m.State})
}

// serve lets in, lets faults have their say, and carries the call out. What do returns is the reply; it runs under the lock.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, call Call, do func(now time.Time) (serving.Reply, *problem)) {
	if !s.admits(r) {
		problem{http.StatusUnauthorized, "the token is missing or wrong"}.reply().Deliver(w, r, serving.Kept)
		return
	}
	s.mu.Lock()
	rule := s.faults.strike(call.Call, call.WorkspaceID)
	s.mu.Unlock()
	serving.Wait(r.Context(), time.Duration(rule.Delay)) // where the client gives up, the call takes effect all the same
	reply := s.carryOut(call, rule, do)
	s.told.Drain(&s.mu)
	reply.Deliver(w, r, losses[rule.Kind])
}

func (s *Server) carryOut(call Call, rule Rule, do func(now time.Time) (serving.Reply, *problem)) serving.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.opt.Now()
	s.fleet.settle(now, s.opt.Boot)
	var reply serving.Reply
	wrong := rule.problem()
	if wrong == nil && rule.Kind != Dropped {
		reply, wrong = do(now)
	}
	if wrong != nil {
		reply = wrong.reply()
	}
	call.At, call.Status, call.Fault = now, reply.Status, rule.Kind
	s.log.add(call)
	return reply
}

func (s *Server) admits(r *http.Request) bool {
	if s.opt.Token == "" {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.opt.Token)) == 1
}
