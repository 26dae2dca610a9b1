package fault

import "time"

// Stores reports whether any fault strikes the store; without one there is nothing to ask.
func (s *Set) Stores() bool { return len(s.stores) > 0 }

// Stalls reports whether any fault holds steps up.
func (s *Set) Stalls() bool { return len(s.stalls) > 0 }

// onReplica reports whether the fault strikes this occurrence of a store operation of the replica.
func (s *Set) onReplica(x *Fault, replica int, op string) bool {
	return x.On(replica) && s.due(x, op, 0)
}

// StoreDelay is how late the operation takes effect.
func (s *Set) StoreDelay(replica int, op string) (late time.Duration) {
	for _, x := range s.stores {
		if x.Kind == "store-slow" && s.onReplica(x, replica, op) {
			s.Strike(x, 0)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// Held is how long the replica is held up in a step that the task makes for the workspace: on its way to the store or, once that
// is done, on its way back.
func (s *Set) Held(replica int, task string, workspace int, done bool) (late time.Duration) {
	for _, x := range s.stalls {
		if x.Kind == "controller-stall" {
			if now := s.world.Now(); !done && !x.Elsewhere && x.On(replica) && x.Active(now) {
				s.Strike(x, 0)
				late = max(late, time.Duration(x.Until)-now)
			}
			continue
		}
		call, about := task, workspace
		if x.Kind == "preempt" {
			call, about = "", 0 // whosever step it is
		}
		if (x.When == "after") == done && x.On(replica) && s.due(x, call, about) {
			s.Strike(x, workspace)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// StoreFails reports whether the operation fails: before it takes effect, or after its commit.
func (s *Set) StoreFails(replica int, op string, committed bool) bool {
	kind := "store-error"
	if committed {
		kind = "store-error-after-commit"
	}
	failed := false
	for _, x := range s.stores {
		if (x.Kind == "postgres-crash" || x.Kind == "postgres-restart") && !committed && x.down(s.world.Now()) {
			s.Strike(x, 0)
			failed = true
		}
		if x.Kind == kind && s.onReplica(x, replica, op) {
			s.Strike(x, 0)
			failed = true
		}
	}
	return failed
}

// down reports whether the database server that crashed or was shut down is not there again yet.
func (x *Fault) down(now time.Duration) bool {
	return !x.Elsewhere && now >= time.Duration(x.From) && now < time.Duration(x.From+x.Delay)
}

// Crash returns the fault that wants the replica dead before or after this operation, or nil.
func (s *Set) Crash(replica int, op string, committed bool) *Fault {
	for _, x := range s.stores {
		if x.Kind != "crash" || len(x.Calls) == 0 || x.spent || (x.When == "after") != committed {
			continue
		}
		if !s.onReplica(x, replica, op) {
			continue
		}
		x.strikes++
		x.spent = x.strikes >= len(x.Nth) // one for each of its nth, or a single one
		s.Strike(x, 0)
		return x
	}
	return nil
}
