package llm

import (
	"net/http"
	"slices"
	"time"
)

// maxCalls is how many completions are remembered one by one.
const maxCalls = 1024

// Call is one completion that somebody asked for.
type Call struct {
	At        time.Time `json:"at"` // when it was asked for
	Provider  string    `json:"provider"`
	Workspace string    `json:"workspace"`
	Number    int       `json:"number"` // among the workspace's at the provider, from 1
	Model     string    `json:"model"`
	Takes     Duration  `json:"takes"`           // virtual time
	Status    int       `json:"status"`          // of the reply; 0 where the client gave up first
	Fault     Kind      `json:"fault,omitempty"` // that struck
}

// Tally is how the completions of a provider were answered.
type Tally struct {
	Provider  string `json:"provider"`
	UnderWay  int    `json:"under_way"`
	Answered  int    `json:"answered"`
	Throttled int    `json:"throttled"` // 429
	Failed    int    `json:"failed"`    // 5xx
	Abandoned int    `json:"abandoned"` // by the client
}

// callLog is the last completions, and how many there were. It is guarded by the server's lock.
type callLog struct {
	recent []Call
	totals []Tally // in the order of providers
}

func (l *callLog) of(provider string) *Tally {
	i := slices.IndexFunc(l.totals, func(t Tally) bool { return t.Provider == provider })
	return &l.totals[i]
}

func (l *callLog) add(c Call) {
	t := l.of(c.Provider)
	t.UnderWay--
	switch c.Status {
	case 0:
		t.Abandoned++
	case http.StatusOK:
		t.Answered++
	case http.StatusTooManyRequests:
		t.Throttled++
	default:
		t.Failed++
	}
	if len(l.recent) == maxCalls {
		l.recent = slices.Delete(l.recent, 0, maxCalls/4)
	}
	l.recent = append(l.recent, c)
}

// Calls returns the completions of the workspace, or of all where it is "", in the order in which they ended. Of a long run,
// only the last 768 to 1024 of all are there.
func (s *Server) Calls(workspace string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.log.recent {
		if workspace == "" || c.Workspace == workspace {
			calls = append(calls, c)
		}
	}
	return calls
}
