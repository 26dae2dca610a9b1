package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
)

// unasked judges that every change of status and every new incarnation has a licence of the contract's: a call that may have
// taken effect, and that has not licensed another one already, or a rule. What licenses offline and failed depends on times,
// which stays-online and gives-up judge.
func unasked(v *View, r *report) {
	for _, s := range v.Spaces {
		if v.polled {
			v.unaskedReading(s, r)
		} else {
			v.unaskedMove(s, r)
		}
	}
}

// grant is one call that may have moved a workspace once, between two times.
type grant struct {
	call        string
	below       bool // the call is about a workspace above
	from, until time.Duration
}

// for ever, as far as a run goes.
const always = time.Duration(1<<63 - 1)

// grants are the calls that may have moved the workspace, each once. What was refused moved nothing; what got no answer may
// take effect at any time; a copy of a request is a call of its own.
func (v *View) grants(s *Space) []grant {
	var all []grant
	add := func(of *Space, below bool) {
		for _, c := range of.Calls {
			if c.Code != 0 && c.Code < 500 && c.Code/100 != 2 || c.Actor == history.ActorObserver {
				continue
			}
			g := grant{call: c.Call, below: below, from: c.Sent.D() - v.tolerance, until: c.At.D() + v.tolerance}
			if c.Code == 0 {
				if answeredLate(of, c) {
					continue // it is in the history a second time, with what the controller said
				}
				g.until = always
			}
			all = append(all, g)
			if v.copied(of, c) {
				g.until = always
				all = append(all, g)
			}
		}
	}
	add(s, false)
	for _, n := range v.Plan.Above(s.Number) {
		add(v.Spaces[n-1], true)
	}
	return all
}

// answeredLate reports whether the call, which its caller gave up, was answered all the same. A connection that was reset, or closed by
// a handler that panicked, is another copy of the request, which may have taken effect by itself.
func answeredLate(s *Space, c *history.Event) bool {
	return c.Err == history.TimedOut && slices.ContainsFunc(s.Calls, func(o *history.Event) bool {
		return o.Sent == c.Sent && o.Call == c.Call && o.Actor == c.Actor && o.Code != 0 && (o.Err == history.GivenUp || o.Err == history.ReplyLost)
	})
}

// copied reports whether a second copy of the request may be under way that the history does not have.
func (v *View) copied(s *Space, c *history.Event) bool {
	if c.Err == history.Duplicate {
		return false
	}
	for i, f := range v.Plan.Faults {
		if f.Kind != "duplicate" || v.struck[i+1] == 0 || c.Sent.D() < time.Duration(f.From)-v.tolerance || c.Sent.D() > f.End()+v.tolerance {
			continue
		}
		return !slices.ContainsFunc(s.Calls, func(o *history.Event) bool {
			return o.Sent == c.Sent && o.Call == c.Call && o.Err == history.Duplicate
		})
	}
	return false
}

// unaskedMove judges the moves that were seen.
func (v *View) unaskedMove(s *Space, r *report) {
	var grants []grant
	var taken map[int]int // which move each grant licenses
	collected := false
	for i, m := range s.Moves {
		licences := v.licences(s, i)
		if licences == nil {
			continue
		}
		r.owed()
		// On a wall clock, a call that is under way when the run ends is not in the history.
		if v.Plan.Live != nil && m.At.D() >= v.End-v.Settings.RequestTimeout-v.slack() {
			return
		}
		if slices.ContainsFunc(licences, func(l contract.Licence) bool { return l.Rule != "" }) {
			continue
		}
		if !collected {
			grants, taken, collected = v.grants(s), map[int]int{}, true
		}
		if !v.license(s, i, grants, taken, map[int]bool{}) {
			r.violated(Violation{
				Workspace: s.Number, Since: m.At, At: m.At, What: v.unaskedWhat(s, i, licences), Expected: expectedLicence(m, licences),
			})
			return
		}
	}
}

// licences returns what may allow the i-th move, or nothing where other invariants judge it: those of edges, and those of the
// times after which a workspace is offline or failed.
func (v *View) licences(s *Space, i int) []contract.Licence {
	m := s.Moves[i]
	inc := 0
	if i > 0 {
		inc = s.Moves[i-1].Inc
	}
	var all []contract.Licence
	for _, e := range v.Table.Edges() {
		if e.From != m.From || e.To != m.To || m.From != lifecycle.None && v.Table.Begins(e.Event) != (m.Inc != inc) {
			continue
		}
		for _, l := range v.Table.Licences(e.Event) {
			if l.Rule == contract.RuleOffline && !v.offlineLongEnough(s, i) {
				continue
			}
			if l.Rule == contract.RuleBudget || l.Rule == contract.RuleRefused || l.Rule == contract.RuleSilent {
				return nil
			}
			all = append(all, l)
		}
	}
	return all
}

// license finds a grant for the i-th move, moving other moves to other grants where that makes room: a matching is as large as
// it can be, so that no order of looking at the moves accuses one for which there was a call.
func (v *View) license(s *Space, i int, grants []grant, taken map[int]int, tried map[int]bool) bool {
	m := s.Moves[i]
	for _, l := range v.licences(s, i) {
		for g, x := range grants {
			if tried[g] || x.call != l.Call || x.below && !l.Below || x.from > m.At.D() || x.until < v.earliest(m) {
				continue
			}
			if agents(l.Call) { // its agent's call proves that it lives whatever else it did
				return true
			}
			tried[g] = true
			if other, ok := taken[g]; !ok || v.license(s, other, grants, taken, tried) {
				taken[g] = i
				return true
			}
		}
	}
	return false
}

// agents reports whether the call is one by which an agent proves that it lives.
func agents(call string) bool { return call == "heartbeat" || call == "register" }

// unaskedReading judges moves that were told from readings: none of the ways from one to the other may need a call that nobody
// made.
func (v *View) unaskedReading(s *Space, r *report) {
	for i, m := range s.Moves {
		if i == 0 {
			continue // what was created, no-phantom-rows judges
		}
		r.owed()
		if m.By != "" || v.reachable(s, m.From, m.To, history.Time(v.earliest(m)-v.tolerance), m.At+history.Time(v.tolerance)) {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: history.Time(v.earliest(m)), At: m.At,
			What:     fmt.Sprintf("it went from %s to %s %s, and nobody had asked for what leads there", m.From, m.To, v.when(m)),
			Expected: fmt.Sprintf("%s, until somebody asks for something else or a rule of the contract moves it", m.From),
		})
		return
	}
}

// unaskedWhat says what moved without a licence.
func (v *View) unaskedWhat(s *Space, i int, licences []contract.Licence) string {
	m := s.Moves[i]
	what := fmt.Sprintf("%s made it %s at %s", whom(m, v.event(s, i)), m.To, Clock(m.At))
	if i > 0 && m.Inc != s.Moves[i-1].Inc {
		what = fmt.Sprintf("%s began incarnation %d of it at %s, when it was %s", whom(m, v.event(s, i)), m.Inc, Clock(m.At), m.From)
	}
	calls := 0
	for _, c := range s.Asked {
		if c.Sent <= m.At && c.Code/100 == 2 && slices.ContainsFunc(licences, func(l contract.Licence) bool { return l.Call == c.Call }) {
			calls++
		}
	}
	if calls > 0 {
		return what + fmt.Sprintf(", and %s had had its effect already", plural(calls, "call that was granted", "calls that were granted"))
	}
	return what + ", and nobody had asked for that"
}

// expectedLicence says what would have allowed the move.
func expectedLicence(m *history.Event, licences []contract.Licence) string {
	var calls []string
	for _, l := range licences {
		if l.Call != "" && !slices.Contains(calls, l.Call) {
			calls = append(calls, l.Call)
		}
	}
	return fmt.Sprintf("%s only by %s, once for each call", m.To, cmp.Or(strings.Join(calls, " or "), "a rule of the contract"))
}
