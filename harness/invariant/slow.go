package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/history"
)

// What a slow machine excuses. On a wall clock the world measures how slow the machine is (package hiccup), and a promise with a
// bound in time is owed later by what the machine lost meanwhile. Promises without a bound are never excused.

// maxWidening is how much longer than itself a bound may get. Past that the machine had less than a quarter of its time for what was
// owed, and nothing can be said of the controller.
const maxWidening = 3.0

// slowWindow is a time of which the machine lost a part.
type slowWindow struct {
	from, until time.Duration
	share       float64 // that was lost, of every moment
	event       *history.Event
}

// noteSlow keeps what the world measured. Pressure counts other people's work as well, so that it explains and excuses nothing.
func (v *View) noteSlow(e *history.Event) {
	if e.By == hiccup.Pressure {
		v.pressure = append(v.pressure, e)
		return
	}
	if span := e.At.D() - e.Sent.D(); span > 0 && e.Lost > 0 {
		v.slow = append(v.slow, slowWindow{e.Sent.D(), e.At.D(), min(1, float64(e.Lost)/float64(span)), e})
	}
}

// lost returns how much of the time the machine lost: at each moment what the slowest of its parts says. Beside it is the window
// that says most.
func (v *View) lost(from, until time.Duration) (lost time.Duration, most *history.Event) {
	var edges []time.Duration
	var within []slowWindow
	for _, w := range v.slow {
		if w.from < until && w.until > from {
			within = append(within, w)
			edges = append(edges, max(w.from, from), min(w.until, until))
		}
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	says := map[*history.Event]time.Duration{}
	for i := 1; i < len(edges); i++ {
		var worst slowWindow
		for _, w := range within {
			if w.from <= edges[i-1] && w.until >= edges[i] && w.share > worst.share {
				worst = w
			}
		}
		if worst.event != nil {
			d := time.Duration(worst.share * float64(edges[i]-edges[i-1]))
			lost += d
			if says[worst.event] += d; most == nil || says[worst.event] > says[most] {
				most = worst.event
			}
		}
	}
	return lost, most
}

// widened is the view with all bounds wider by so much.
func (v *View) widened(by time.Duration) *View {
	w := *v
	w.tolerance += by
	w.wants = nil // which depend on it
	return &w
}

// due is from when on slowness matters: before that, the controller had nothing to do.
func (x *Violation) due() time.Duration { return max(x.Since, x.Due).D() }

// withSlowness goes through what an invariant found, and keeps what is violated however slow the machine was: a bound is wider by
// what the machine lost while it ran. Where the machine lost more than can be judged, the promise is inconclusive.
func (v *View) withSlowness(inv *Invariant, r *report) {
	if len(v.slow) == 0 || len(r.violations) == 0 {
		return
	}
	again := map[time.Duration][]Violation{}
	judge := func(by time.Duration) []Violation {
		if _, known := again[by]; !known {
			wider := report{name: r.name}
			inv.check(v.widened(by), &wider)
			again[by] = wider.violations
		}
		return again[by]
	}
	found := r.violations
	r.violations = nil
	for i := range found {
		x, why := v.settle(&found[i], judge)
		switch {
		case x != nil:
			r.violations = append(r.violations, *x)
		case why != "":
			r.slow = true
			r.unknown = cmp.Or(r.unknown, why)
		}
	}
}

// settle decides about one violation: it stays, it is excused (nil), or it cannot be judged (nil, and why).
func (v *View) settle(x *Violation, judge func(time.Duration) []Violation) (*Violation, string) {
	for widening := time.Duration(0); ; {
		if x.Bound == 0 {
			return v.order(x, judge)
		}
		lost, most := v.lost(x.due(), x.At.D())
		if lost <= widening {
			return x, ""
		}
		if had := x.At.D() - x.due() - widening; float64(lost) >= maxWidening*float64(had) {
			return nil, v.tooSlow(x, lost, most)
		}
		widening = lost + lost/8 + time.Millisecond // a little more, so that it reaches what was lost in a few steps
		wider := judge(widening)
		i := slices.IndexFunc(wider, func(w Violation) bool { return w.Workspace == x.Workspace })
		switch {
		case i < 0 && x.At.D()+widening > v.End:
			return nil, v.tooSlow(x, lost, most) // it was over before the wider bound was
		case i < 0:
			return nil, ""
		}
		x = &wider[i]
	}
}

// order decides about a violation of a promise without a bound, which nothing excuses. Which of two things came first is known from
// clocks that were read beside them, though, and a machine that was slow in between may have read them in another order.
func (v *View) order(x *Violation, judge func(time.Duration) []Violation) (*Violation, string) {
	lost, most := v.lost(min(x.Since, x.At).D()-slack, max(x.Since, x.At).D()+slack)
	if lost == 0 || slices.ContainsFunc(judge(lost), func(w Violation) bool { return w.Workspace == x.Workspace }) {
		return x, ""
	}
	return nil, v.tooSlow(x, lost, most)
}

// tooSlow says why the promise cannot be judged.
func (v *View) tooSlow(x *Violation, lost time.Duration, most *history.Event) string {
	about := ""
	if x.Workspace > 0 {
		about = fmt.Sprintf(" of workspace %d", x.Workspace)
	}
	from, until := x.due(), x.At.D()
	if x.Bound == 0 {
		from, until = min(x.Since, x.At).D()-slack, max(x.Since, x.At).D()+slack
	}
	return fmt.Sprintf("this machine was too slow to judge it%s: from %s to %s it lost %s (%s)%s",
		about, clock(from), clock(until), Span(lost), v.measured(most), v.pressed(from, until))
}

// measured says in words what a window measured.
func (v *View) measured(e *history.Event) string {
	whose := "the harness"
	switch e.Actor {
	case history.ActorController:
		whose = fmt.Sprintf("controller %d", e.Replica)
	case history.ActorAgent:
		whose = fmt.Sprintf("the agent of workspace %d", e.WS)
	}
	worst := Span(e.Worst.D())
	if speed := v.Plan.Live.Speed; speed > 1 {
		worst += fmt.Sprintf(", %s of real time", Span(time.Duration(float64(e.Worst)/speed)))
	}
	return fmt.Sprintf("%s of %s: late by up to %s", e.By, whose, worst)
}

// pressed says how much of the machine's tasks waited in the time, where the kernel told.
func (v *View) pressed(from, until time.Duration) string {
	most := 0
	for _, e := range v.pressure {
		if e.Sent.D() < until && e.At.D() > from {
			most = max(most, e.Share)
		}
	}
	if most == 0 {
		return ""
	}
	return fmt.Sprintf("; up to %d%% of the time some task of it waited", most)
}

// Slowness is how slow the machine was in the whole of a run.
type Slowness struct {
	// Lost is the share of the run that the machine lost, from 0 to 1, and Why says who measured most of it.
	Lost float64 `json:"lost"`
	Why  string  `json:"why"`
	// Decides is set where the verdict is inconclusive because of it: a slower run can say more.
	Decides bool `json:"decides,omitempty"`
}

// notable is from which share on slowness may be why something did not happen that a run is about.
const notable = 0.1

// slowness sums up what the machine lost in the whole run; nil where it kept up, or time is simulated.
func (v *View) slowness() *Slowness {
	lost, most := v.lost(0, v.End)
	if most == nil || v.End <= 0 {
		return nil
	}
	return &Slowness{Lost: float64(lost) / float64(v.End), Why: v.measured(most)}
}

// Lost returns how much of a time the machine lost, by the history of a run on wall-clock time.
func Lost(h *history.History) func(from, until time.Duration) time.Duration {
	v := &View{}
	for i := range h.Events {
		if e := &h.Events[i]; e.Kind == history.Slow {
			v.noteSlow(e)
		}
	}
	return func(from, until time.Duration) time.Duration {
		lost, _ := v.lost(from, until)
		return lost
	}
}
