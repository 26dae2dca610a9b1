package fault

import (
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
)

// Fate is what the network does to one call.
type Fate struct {
	LoseRequest    bool
	LoseReply      bool
	Delay          time.Duration
	Duplicate      bool
	DuplicateAfter time.Duration
	Limited        bool          // answered 429 on the way
	RetryAfter     time.Duration // by which answer
}

// Network decides over one call of an actor, by or about the workspace, on its way to the replica.
func (s *Set) Network(actor, call string, workspace, replica int) Fate {
	var out Fate
	if actor == history.ActorObserver {
		return out // the observer stands beside the network
	}
	for _, x := range s.networks {
		if x.Kind == "partition" {
			if actor == history.ActorAgent && s.cutBy(x, workspace, replica) {
				s.Strike(x, workspace)
				out.LoseRequest = true
			}
			continue
		}
		if !s.due(x, call, workspace) {
			continue
		}
		s.Strike(x, workspace)
		switch x.Kind {
		case "lose-request":
			out.LoseRequest = true
		case "lose-reply":
			out.LoseReply = true
		case "rate-limit":
			out.Limited, out.RetryAfter = true, time.Duration(x.Delay)
		case "delay":
			out.Delay += time.Duration(x.Delay)
		case "reorder":
			most := uint64(time.Duration(x.Delay) / time.Microsecond)
			out.Delay += time.Duration(s.world.Choose(oracle.Latency, most)) * time.Microsecond
		case "duplicate":
			out.Duplicate, out.DuplicateAfter = true, time.Duration(x.Delay)
		}
	}
	return out
}

// cutBy reports whether the partition lies between the workspace's machine and the replica now.
func (s *Set) cutBy(x *Fault, workspace, replica int) bool {
	return x.Active(s.world.Now()) && x.Hits(workspace) && x.On(replica)
}

// Cut reports whether a reply from the replica cannot reach the caller now.
func (s *Set) Cut(actor string, workspace, replica int) bool {
	if actor != history.ActorAgent {
		return false
	}
	for _, x := range s.networks {
		if x.Kind == "partition" && s.cutBy(x, workspace, replica) {
			s.Strike(x, workspace)
			return true
		}
	}
	return false
}
