package cpwire

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/mux"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// maxBody is the longest provision that is read, in bytes.
const maxBody = 1 << 20

// order is the body of a provision.
type order struct {
	OrgID       string            `json:"org_id"`
	WorkspaceID string            `json:"workspace_id"`
	Runtime     string            `json:"runtime"`
	Tier        int               `json:"tier"`
	PlatformURL string            `json:"platform_url"`
	Env         map[string]string `json:"env"`
}

func (s *Server) provision(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&o); err != nil {
		problem{http.StatusBadRequest, "the body is no JSON of a provision"}.reply().Deliver(w, r, serving.Kept)
		return
	}
	if o.WorkspaceID == "" {
		problem{http.StatusBadRequest, "workspace_id is missing"}.reply().Deliver(w, r, serving.Kept)
		return
	}
	s.serve(w, r, Call{Call: CallProvision, WorkspaceID: o.WorkspaceID}, func(now time.Time) (serving.Reply, *problem) {
		asked := o.digest()
		for _, m := range s.fleet.of(o.WorkspaceID) {
			if m.State != Terminated && m.asked == asked {
				return m.reply(http.StatusCreated), nil
			}
		}
		if !s.fleet.room() {
			p := errorsOf[NoCapacity]
			return serving.Reply{}, &p
		}
		m := &machine{asked: asked, Machine: Machine{
			OrgID: o.OrgID, WorkspaceID: o.WorkspaceID, Runtime: o.Runtime, Tier: o.Tier, PlatformURL: o.PlatformURL, Env: o.Env,
		}}
		s.fleet.add(m, now)
		s.told.Add(s.opt.Launched, m.snapshot())
		m.settle(now, s.opt.Boot)
		return m.reply(http.StatusCreated), nil
	})
}

// digest tells orders apart. JSON has the keys of a map in order.
func (o order) digest() [32]byte {
	text, err := json.Marshal(o)
	if err != nil { // it is made of strings and a number
		panic(err)
	}
	return sha256.Sum256(text)
}

func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	workspace, id := mux.Vars(r)["id"], r.URL.Query().Get("instance_id")
	s.serve(w, r, Call{Call: CallDelete, WorkspaceID: workspace}, func(now time.Time) (serving.Reply, *problem) {
		known := false
		for _, m := range s.fleet.of(workspace) {
			if id == "" || m.ID == id {
				known = true
				s.end(m, ReasonDeleted, now)
			}
		}
		if !known {
			return serving.Reply{}, &problem{http.StatusNotFound, "the workspace has no such machine"}
		}
		return encode(http.StatusOK, map[string]State{"state": Terminated}), nil
	})
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	workspace := mux.Vars(r)["id"]
	s.serve(w, r, Call{Call: CallStatus, WorkspaceID: workspace}, func(time.Time) (serving.Reply, *problem) {
		for _, m := range s.fleet.of(workspace) {
			return m.reply(http.StatusOK), nil
		}
		return serving.Reply{}, &problem{http.StatusNotFound, "the workspace has no machine"}
	})
}

// end ends a machine that has not ended yet. It runs under the lock.
func (s *Server) end(m *machine, why string, now time.Time) {
	if m.State == Terminated {
		return
	}
	m.State, m.Reason, m.ChangedAt = Terminated, why, now
	s.told.Add(s.opt.Stopped, m.snapshot())
}

// End takes a machine away without anybody's call: its host failed, where why is "". It is an error where no machine has the
// id; one that has ended already stays as it is.
func (s *Server) End(id, why string) error {
	if why == "" {
		why = ReasonHostDied
	}
	s.mu.Lock()
	now := s.opt.Now()
	s.fleet.settle(now, s.opt.Boot)
	m := s.fleet.find(id)
	if m != nil {
		s.end(m, why, now)
	}
	s.mu.Unlock()
	if m == nil {
		return fmt.Errorf("cpwire: no machine %q", id)
	}
	s.told.Drain(&s.mu)
	return nil
}
