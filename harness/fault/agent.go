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

// Stalled is how long the workspace's agent is still stopped.
func (s *Set) Stalled(workspace int) (left time.Duration) {
	for _, x := range s.agents {
		if x.Kind == "agent-stall" && s.due(x, "agent", workspace) {
			s.Strike(x, workspace)
			left = max(left, time.Duration(x.Until)-s.world.Now())
		}
	}
	return left
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
