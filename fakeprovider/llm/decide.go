package llm

import (
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
)

// caller is whose completions are counted together.
type caller struct{ provider, workspace string }

// source returns the bits that the n-th completion of the caller draws from; each purpose has its own.
func (c caller) source(seed uint64, n int, purpose uint64) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(c.provider + "\x00" + c.workspace))           // a hash takes everything
	return rand.New(rand.NewPCG(seed^h.Sum64(), uint64(n)<<16|purpose)) //nolint:gosec // a fake's moods are no secret
}

// decision is how a completion is to be answered.
type decision struct {
	caller
	number int // of the caller's completions, from 1
	status int // 200, 429, 500 or 503; the API's style may have another code for a 500
	fault  Kind
	takes  time.Duration // virtual
}

// decide counts a completion, and says how it is to be answered. It runs under the lock.
func (s *Server) decide(c caller) decision {
	s.counts[c]++
	d := decision{caller: c, number: s.counts[c], status: http.StatusOK}
	// Both are drawn whatever comes of it, so that a fault or a preflight that is set changes no other completion.
	p, bits := s.providers[c.provider], c.source(s.opt.Seed, d.number, 0).Uint64
	answer, takes := p.SampleAnswer(bits), p.SamplePreflight(bits)
	if d.strike(s) {
		d.takes = s.opt.Refusal
		return d
	}
	if set := s.preflights[c.workspace]; set != nil {
		answer, takes = fakeprovider.Answered, time.Duration(set.Takes)
		if set.Refused < set.Refusals {
			set.Refused++
			answer = fakeprovider.RateLimited
		}
	}
	switch answer {
	case fakeprovider.RateLimited:
		d.status, d.takes = http.StatusTooManyRequests, s.opt.Refusal
	case fakeprovider.ServerError:
		d.status, d.takes = http.StatusInternalServerError, s.opt.Refusal
	default:
		d.takes = takes + d.slowed(s)
	}
	return d
}

// strike reports whether a fault refuses the completion.
func (d *decision) strike(s *Server) bool {
	for i, r := range s.faults.Rules {
		if r.Kind == Slow || !r.matches(d.caller) || !s.tallies[i].Strikes(r.limits(), d.share(s, i)) {
			continue
		}
		d.fault, d.status = r.Kind, http.StatusServiceUnavailable
		if r.Kind == Throttle {
			d.status = http.StatusTooManyRequests
		}
		return true
	}
	return false
}

// slowed is how much longer faults make the completion.
func (d *decision) slowed(s *Server) (extra time.Duration) {
	for i, r := range s.faults.Rules {
		if r.Kind == Slow && r.matches(d.caller) && s.tallies[i].Strikes(r.limits(), d.share(s, i)) {
			d.fault = Slow
			extra += time.Duration(r.Delay)
		}
	}
	return extra
}

// share draws for the rule, from bits that no other rule and no other completion draws from.
func (d *decision) share(s *Server, rule int) func() float64 {
	return func() float64 { return d.source(s.opt.Seed, d.number, uint64(rule)+1).Float64() }
}
