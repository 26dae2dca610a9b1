package llm

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Preflight is what the completions of one workspace do, instead of what would be drawn: Refusals times 429, and from then
// on an answer after exactly Takes.
type Preflight struct {
	Workspace string   `json:"workspace"`
	Takes     Duration `json:"takes"` // virtual time
	Refusals  int      `json:"refusals,omitempty"`
	Refused   int      `json:"refused,omitempty"` // how many of the refusals there were already
}

// SetPreflight gives the workspace's completions, at any provider, an exact duration, and refuses so many of them first,
// from now on and until it is set again or forgotten. A request that is under way is not changed.
func (s *Server) SetPreflight(workspace string, takes time.Duration, refusals int) error {
	if workspace == "" {
		return errors.New("llm: a preflight needs its workspace's name")
	}
	if takes < 0 || refusals < 0 {
		return fmt.Errorf("llm: the preflight of %s takes %s after %d refusals: below zero", workspace, takes, refusals)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.preflights[workspace] = &Preflight{Workspace: workspace, Takes: Duration(takes), Refusals: refusals}
	return nil
}

// ForgetPreflight has the workspace's completions drawn again, and reports whether they were set.
func (s *Server) ForgetPreflight(workspace string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.preflights[workspace]
	delete(s.preflights, workspace)
	return ok
}

// preflightList returns what is set, in the order of workspaces.
func (s *Server) preflightList() []Preflight {
	all := make([]Preflight, 0, len(s.preflights))
	for _, p := range s.preflights {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b Preflight) int { return cmp.Compare(a.Workspace, b.Workspace) })
	return all
}
