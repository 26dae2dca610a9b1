package foreigntest

import (
	"fmt"
	"time"

	"github.com/google/uuid"
)

const (
	provisioning = "provisioning"
	awaiting     = "awaiting_agent"
	online       = "online"
	degraded     = "degraded"
	offline      = "offline"
	failed       = "failed"
	paused       = "paused"
	hibernating  = "hibernating"
	hibernated   = "hibernated"
	removed      = "removed"
)

// row is one workspace, as it is stored.
type row struct {
	id, name, status, runtime, parent, cause string
	external                                 bool
	inc                                      int
	tokens                                   []string // live ones
	confirmed                                bool     // one of them was used, or was told at the creation
	began, heard                             time.Time
	tasks                                    int // active ones, as its last heartbeat says
	machine                                  string
	order                                    []byte // the first provision's body
}

func (s *Server) insert(id, name string, external bool) *row {
	if id == "" {
		id = uuid.NewString()
	}
	r := &row{id: id, name: name, external: external, inc: 1, began: time.Now(), heard: time.Now()}
	s.rows[id] = r
	s.order = append(s.order, id)
	return r
}

// move writes the row's status, and tells the feed.
func (s *Server) move(r *row, to, by string) {
	from := r.status
	r.status = to
	if from != to {
		s.moves = append(s.moves, Move{time.Now(), r.id, r.name, from, to, by})
	}
	if to != failed {
		r.cause = ""
	}
	s.tell(r.id, to)
}

func (s *Server) fail(r *row, why, by string) {
	s.move(r, failed, by)
	r.cause = why
}

// sweepBudgets gives boots up whose budget is over.
func (s *Server) sweepBudgets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		if r := s.rows[id]; r.status == provisioning && !r.external && time.Since(r.began) >= s.config.Budget {
			s.fail(r, fmt.Sprintf("no heartbeat within %s", s.config.Budget), "provision-sweep")
		}
	}
}

// sweepSilences takes those offline who have not been heard for the TTL.
func (s *Server) sweepSilences() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.order {
		r := s.rows[id]
		ttl := s.config.TTL
		if r.external {
			ttl = s.config.ExternalTTL
		}
		if (r.status == online || r.status == degraded) && time.Since(r.heard) >= ttl {
			s.move(r, offline, "liveness-sweep")
		}
	}
}

// family returns the row and all below it that are there, from the top.
func (s *Server) family(r *row) []*row {
	all := []*row{r}
	for i := 0; i < len(all); i++ {
		for _, id := range s.order {
			if c := s.rows[id]; c.parent == all[i].id && c.status != removed {
				all = append(all, c)
			}
		}
	}
	return all
}

// entry is one of the events feed.
type entry struct {
	Type      string         `json:"event_type"`
	Workspace string         `json:"workspace_id"`
	Payload   map[string]any `json:"payload"`
	At        time.Time      `json:"created_at"`
}

func (s *Server) tell(id, status string) {
	name := map[string]string{
		provisioning: "PROVISIONING", awaiting: "AWAITING_AGENT", online: "ONLINE", degraded: "DEGRADED", offline: "OFFLINE",
		failed: "FAILED", paused: "PAUSED", hibernating: "HIBERNATING", hibernated: "HIBERNATED", removed: "REMOVED",
	}[status]
	if status == failed && s.config.FeedProvisionFailed {
		name = "PROVISION_FAILED"
	}
	s.feed = append(s.feed, entry{"WORKSPACE_" + name, id, map[string]any{}, time.Now()})
}
