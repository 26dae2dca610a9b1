package fault

import "time"

// LLMRefuses returns the fault by which the provider refuses a preflight of the workspace now, or nil.
func (s *Set) LLMRefuses(workspace int) *Fault {
	for _, x := range s.llms {
		if x.Kind != "llm-slow" && s.due(x, "preflight", workspace) {
			s.Strike(x, workspace)
			return x
		}
	}
	return nil
}

// LLMDelay is how much longer a preflight that starts now takes.
func (s *Set) LLMDelay(workspace int) (late time.Duration) {
	for _, x := range s.llms {
		if x.Kind == "llm-slow" && s.due(x, "preflight", workspace) {
			s.Strike(x, workspace)
			late += time.Duration(x.Delay)
		}
	}
	return late
}

// Stalled is how long the workspace's agent is still stopped, or its machine paused.
func (s *Set) Stalled(workspace int) time.Duration {
	return max(s.stopped("agent-stall", workspace), s.Paused(workspace))
}

// Paused is how long the workspace's machine is still paused.
func (s *Set) Paused(workspace int) time.Duration { return s.stopped("machine-pause", workspace) }

// stopped is how long a fault of the kind still lasts for the workspace.
func (s *Set) stopped(kind string, workspace int) (left time.Duration) {
	for _, x := range s.agents {
		if x.Kind == kind && s.due(x, "agent", workspace) {
			s.Strike(x, workspace)
			left = max(left, time.Duration(x.Until)-s.world.Now())
		}
	}
	return left
}

// Starved returns the fault by which the workspace's machine has too little memory for its agent now, or nil.
func (s *Set) Starved(workspace int) *Fault {
	for _, x := range s.agents {
		if x.Kind == "agent-oom" && x.Hits(workspace) && x.Active(s.world.Now()) {
			return x
		}
	}
	return nil
}

// Sick reports whether the workspace's agent reports errors now.
func (s *Set) Sick(workspace int) bool {
	for _, x := range s.agents {
		if x.Kind == "agent-sick" && s.due(x, "agent", workspace) {
			s.Strike(x, workspace)
			return true
		}
	}
	return false
}
