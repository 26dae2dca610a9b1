package invariant

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// heard is a heartbeat that may have been stored, as the contract takes what it reports.
type heard struct {
	write
	event lifecycle.Event // NoEvent where what it reports is not known
}

// beats are the heartbeats of the workspace that may have been stored, in the order in which they were sent.
func (v *View) beats(s *Space) []heard {
	k := kept{view: v, space: s}
	k.collect()
	var all []heard
	for _, w := range k.writes {
		if w.call.Call != "heartbeat" {
			continue
		}
		h := heard{write: w}
		if !w.unknown {
			rate, _ := strconv.ParseFloat(w.data.get("last_error_rate"), 64)
			h.event.UnmarshalText([]byte(v.Table.Contract().Beats.Event(rate, w.data.get("runtime_state") != ""))) //nolint:errcheck // the contract's words are bound
		}
		all = append(all, h)
	}
	return all
}

// reports says whether anything of the workspace's is about how its agent feels.
func reports(s *Space) bool {
	return slices.ContainsFunc(s.Moves, func(m *history.Event) bool { return m.To == lifecycle.Degraded }) ||
		slices.ContainsFunc(s.Calls, func(c *history.Event) bool {
			return c.Call == "heartbeat" && c.Data != "" && (history.Field(c.Data, "last_error_rate") != "" || history.Field(c.Data, "runtime_state") != "")
		})
}

// degradedAsReported judges both ways: an accepted heartbeat that moves a workspace between online and degraded has done so within
// the bound, and nothing else has.
func degradedAsReported(v *View, r *report) {
	for _, s := range v.Spaces {
		if !reports(s) {
			continue
		}
		beats := v.beats(s)
		if !v.unreported(s, beats, r) {
			v.unfollowed(s, beats, r)
		}
	}
}

// unreported judges the moves between online and degraded, and reports whether it found a violation.
func (v *View) unreported(s *Space, beats []heard, r *report) bool {
	for i, m := range s.Moves {
		if !v.Table.Converged(m.From) || !v.Table.Converged(m.To) || i > 0 && m.Inc != s.Moves[i-1].Inc {
			continue
		}
		r.owed()
		if slices.ContainsFunc(beats, func(h heard) bool {
			to, ok := v.Table.Next(h.event, m.From)
			return h.from <= m.At.D() && h.until >= v.earliest(m) && (h.event == lifecycle.NoEvent || ok && to == m.To)
		}) || v.Plan.Live != nil && m.At.D() >= v.End-v.Settings.RequestTimeout-v.slack() {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: m.At, At: m.At,
			What:     fmt.Sprintf("%s made it %s at %s, and no heartbeat that may have been stored then says why: %s", whom(m, v.event(s, i)), m.To, Clock(m.At), v.feels(beats, m.At.D())),
			Expected: fmt.Sprintf("%s until a heartbeat says otherwise", m.From),
		})
		return true
	}
	return false
}

// feels says what the last heartbeat before the time reported.
func (v *View) feels(beats []heard, t time.Duration) string {
	for i := len(beats) - 1; i >= 0; i-- {
		if h := beats[i]; h.from <= t {
			return fmt.Sprintf("that of %s has the error rate %s%s", Clock(h.call.Sent), orNone(h.data.get("last_error_rate")), wedged(h.data))
		}
	}
	return "there was none"
}

func orNone(rate string) string {
	if rate == "" {
		return "0"
	}
	return rate
}

func wedged(data values) string {
	if data.get("runtime_state") == "" {
		return ""
	}
	return " and a wedged runtime"
}

// unfollowed judges the heartbeats that were accepted and should have moved it.
func (v *View) unfollowed(s *Space, beats []heard, r *report) {
	for i, h := range beats {
		if !h.certain || h.event == lifecycle.NoEvent {
			continue
		}
		from, until := h.from, h.call.At.D()+v.convergeBound()
		status, inc := s.at(from)
		to, ok := v.Table.Next(h.event, status)
		until, known := v.knownAt(s, until)
		// What else may be stored until then may move it on, or may have moved it before.
		others := slices.ContainsFunc(beats, func(o heard) bool {
			return o.call != h.call && o.event != h.event && o.from <= until && o.until >= from
		})
		if !ok || !known || others || !v.Table.Converged(status) || !v.Table.Converged(to) || h.call.Inc != inc && h.call.Inc != 0 && !s.Plan.External ||
			i > 0 && v.mayHave(s, from, h.call.At.D(), func(o lifecycle.Status) bool { return o != status && o != to }) {
			continue
		}
		r.owed()
		if s.within(from, until, func(o lifecycle.Status) bool { return o != status }) {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: h.call.At, At: history.Time(until), Bound: v.convergeBound(), Due: h.call.At,
			What: fmt.Sprintf("its heartbeat at %s was accepted with the error rate %s%s, and it is still %s %s later", Clock(h.call.At),
				orNone(h.data.get("last_error_rate")), wedged(h.data), status, Span(until-h.call.At.D())),
			Expected: fmt.Sprintf("%s within %s: it follows what its agent reports%s", to, Span(v.convergeBound()), v.tolerated()),
		})
		return
	}
}
