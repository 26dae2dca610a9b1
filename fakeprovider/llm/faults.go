package llm

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// Faults are what goes wrong. The zero value is nothing.
type Faults struct {
	// Rules are tried in order. The first outage or throttle that strikes decides over a completion; what slow ones add
	// adds up.
	Rules []Rule `json:"rules,omitempty"`
}

// Kind is what a [Rule] does to a completion.
type Kind string

// The kinds of faults.
const (
	Outage   Kind = "outage"   // 503; without limits it also meets lists of models, and completions that end while it lasts
	Throttle Kind = "throttle" // 429
	Slow     Kind = "slow"     // the rule's Delay on top of what it takes, if it is not refused
)

// Rule makes some completions fail.
type Rule struct {
	Kind Kind `json:"kind"`
	// Provider and Workspace are whose completions it is for; "" and "*" are all.
	Provider  string `json:"provider,omitempty"`
	Workspace string `json:"workspace,omitempty"`
	// Delay is for Slow: virtual time.
	Delay Duration `json:"delay,omitempty"`
	// Skip is how many completions are let through first, Times how many it strikes at the most; 0 is without end.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`
	// Share is how many of the completions it strikes, in (0, 1]; 0 is all of them.
	Share float64 `json:"share,omitempty"`
}

// Duration is a time.Duration that JSON shows as "1m30s".
type Duration = serving.Duration

// Validate reports the first fault that makes no sense.
func (f Faults) Validate() error {
	for i, r := range f.Rules {
		if err := r.validate(); err != nil {
			return fmt.Errorf("llm: rule %d: %w", i, err)
		}
	}
	return nil
}

func (r Rule) validate() error {
	switch r.Kind {
	case Outage, Throttle:
		if r.Delay != 0 {
			return fmt.Errorf("kind %s takes no delay", r.Kind)
		}
	case Slow:
		if r.Delay <= 0 {
			return fmt.Errorf("kind %s needs a delay above zero", r.Kind)
		}
	default:
		return fmt.Errorf("unknown kind %q", r.Kind)
	}
	return r.limits().Validate()
}

func (r Rule) limits() serving.Limits {
	return serving.Limits{Skip: r.Skip, Times: r.Times, Share: r.Share}
}

func (r Rule) matches(c caller) bool {
	return (r.Provider == "" || r.Provider == "*" || r.Provider == c.provider) &&
		(r.Workspace == "" || r.Workspace == "*" || r.Workspace == c.workspace)
}

// SetFaults replaces what goes wrong, with fresh counts. Nonsense, and a provider that is not served, is an error and
// changes nothing.
func (s *Server) SetFaults(f Faults) error {
	if err := f.Validate(); err != nil {
		return err
	}
	for i, r := range f.Rules {
		if _, ok := s.providers[r.Provider]; !ok && r.Provider != "" && r.Provider != "*" {
			return fmt.Errorf("llm: rule %d: there is no provider %q", i, r.Provider)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = Faults{Rules: slices.Clone(f.Rules)}
	s.tallies = make([]serving.Tally, len(f.Rules))
	return nil
}

// Struck returns how often each of the rules has struck since they were set: a fault that never did has shown nothing.
func (s *Server) Struck() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck()
}

func (s *Server) struck() []int {
	n := make([]int, len(s.tallies))
	for i, t := range s.tallies {
		n[i] = t.Struck
	}
	return n
}

// down reports whether there is an outage for the caller that does not pick its requests, and counts it.
func (s *Server) down(c caller) bool {
	for i, r := range s.faults.Rules {
		if r.Kind == Outage && r.limits() == (serving.Limits{}) && r.matches(c) {
			return s.tallies[i].Strikes(r.limits(), nil)
		}
	}
	return false
}
