package ec2wire

import (
	"slices"
	"time"
)

// maxCalls is how many calls are remembered one by one.
const maxCalls = 1024

// Call is one call that the server had.
type Call struct {
	At          time.Time `json:"at"`
	Action      string    `json:"action"`
	AccessKey   string    `json:"access_key,omitempty"`
	ClientToken string    `json:"client_token,omitempty"`
	RequestID   string    `json:"request_id"`
	Status      int       `json:"status"`          // of the reply, also where it was lost; 0 where the call was dropped
	Code        string    `json:"code,omitempty"`  // of the error, where it is one
	Fault       Kind      `json:"fault,omitempty"` // that struck
}

// callLog is the last calls, and how many there were of each action. It is guarded by the server's lock.
type callLog struct {
	recent []Call
	totals map[string]int
}

func newCallLog() callLog { return callLog{totals: map[string]int{}} }

func (l *callLog) add(c Call) {
	if len(l.recent) == maxCalls {
		l.recent = slices.Delete(l.recent, 0, maxCalls/4)
	}
	l.recent = append(l.recent, c)
	if knows(c.Action) { // others are not counted by name, since there is no end to them
		l.totals[c.Action]++
	} else {
		l.totals["other"]++
	}
}

// Calls returns the calls of the action, or of every action where it is "", oldest first. Of a long run, only the last
// 768 to 1024 of all calls are there.
func (s *Server) Calls(action string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var calls []Call
	for _, c := range s.log.recent {
		if action == "" || c.Action == action {
			calls = append(calls, c)
		}
	}
	return calls
}
