package ec2wire

import (
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// faultState is the faults, and how far they are through with what they do. It is guarded by the server's lock.
type faultState struct {
	Faults
	levels map[string]*level
	rules  []ruleState
	seed   uint64
}

// ruleState is how often a rule has seen a call of its action, and struck.
type ruleState struct {
	serving.Tally
	rand *rand.Rand
}

func newFaultState(f Faults, seed uint64) faultState {
	f.Rules, f.Buckets = slices.Clone(f.Rules), maps.Clone(f.Buckets)
	s := faultState{Faults: f, levels: map[string]*level{}, rules: make([]ruleState, len(f.Rules)), seed: seed}
	for i := range s.rules {
		// A source for each rule: what one of them draws does not depend on the others.
		s.rules[i].rand = rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // a fake's faults are no secret
	}
	return s
}

// throttle reports whether the action's bucket is out of tokens.
func (s *faultState) throttle(action string, tokens float64, now time.Time) bool {
	bucket, ok := s.Buckets[action]
	if !ok {
		if bucket, ok = s.Buckets["*"]; !ok {
			return false
		}
	}
	l := s.levels[action]
	if l == nil {
		l = &level{}
		s.levels[action] = l
	}
	return !l.take(bucket, tokens, now)
}

// strike returns the rule that decides over a call of the action, if any does.
func (s *faultState) strike(action string) (Rule, bool) {
	for i, r := range s.Rules {
		if !r.matches(action) {
			continue
		}
		if st := &s.rules[i]; st.Strikes(r.limits(), st.rand.Float64) {
			return r, true
		}
	}
	return Rule{}, false
}

// struck returns how often each rule has struck.
func (s *faultState) struck() []int {
	n := make([]int, len(s.rules))
	for i := range s.rules {
		n[i] = s.rules[i].Struck
	}
	return n
}
