package invariant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// The invariants about what the controller says and writes down.

func replyIsState(v *View, r *report) {
	for _, s := range v.Spaces {
		if v.misListed(s, r) {
			continue
		}
		for _, c := range s.Calls {
			if what, expected := v.belied(s, c, r); what != "" {
				r.violated(Violation{Workspace: s.Number, Since: c.Sent, At: c.At, What: what, Expected: expected})
				break
			}
			if c.Says == "" {
				continue
			}
			if v.polled {
				if replyIsRead(v, s, c, r) {
					break
				}
				continue
			}
			r.owed()
			if s.within(c.Sent.D()-v.tolerance, c.At.D()+v.tolerance, func(status lifecycle.Status) bool { return status.String() == c.Says }) {
				continue
			}
			status, _ := s.at(c.At.D())
			r.violated(Violation{
				Workspace: s.Number, Since: c.Sent, At: c.At,
				What:     fmt.Sprintf("the reply to %s says %s, and the row says %s", c.Call, c.Says, named(status)),
				Expected: "what is stored",
			})
			break
		}
	}
}

// misListed judges how the list of all workspaces shows this one, and reports whether it found a violation.
func (v *View) misListed(s *Space, r *report) bool {
	for _, l := range s.Lists {
		r.owed()
		right := func(status lifecycle.Status) bool { return status == l.To }
		what := fmt.Sprintf("the list shows it as %s", l.To)
		switch l.To {
		case lifecycle.None:
			right, what = notThere, "the list lacks it"
		case lifecycle.Removed:
			right = func(lifecycle.Status) bool { return false }
		}
		if v.mayHave(s, l.Sent.D(), l.At.D(), right) {
			continue
		}
		status, _ := s.at(l.At.D())
		r.violated(Violation{
			Workspace: s.Number, Since: l.Sent, At: l.At,
			What:     fmt.Sprintf("%s at %s, and the row says %s", what, Clock(l.At), named(status)),
			Expected: "a list of all that are not removed, with what is stored",
		})
		return true
	}
	return false
}

func eventIffTransition(v *View, r *report) {
	for _, s := range v.Spaces {
		for i := range max(len(s.Moves), len(s.Logs)) {
			r.owed()
			var what string
			var at history.Time
			switch {
			case i >= len(s.Logs):
				m := s.Moves[i]
				at = m.At
				what = fmt.Sprintf("%s moved it from %s to %s at %s, and the log has no entry", whom(m, lifecycle.NoEvent),
					named(m.From), m.To, Clock(m.At))
			case i >= len(s.Moves):
				l := s.Logs[i]
				at = l.Logged
				what = fmt.Sprintf("the log has %s from %s to %s at %s, and the row did not move", l.Event, named(l.From), l.To,
					Clock(l.Logged))
			case s.Moves[i].From != s.Logs[i].From || s.Moves[i].To != s.Logs[i].To || s.Moves[i].Inc != s.Logs[i].Inc:
				m, l := s.Moves[i], s.Logs[i]
				at = m.At
				what = fmt.Sprintf("transition %d went from %s to %s (incarnation %d), and the log has %s from %s to %s (incarnation %d)",
					i+1, named(m.From), m.To, m.Inc, l.Event, named(l.From), l.To, l.Inc)
			case v.misdated(s.Moves[i], s.Logs[i]):
				m, l := s.Moves[i], s.Logs[i]
				at = m.At
				what = fmt.Sprintf("%s moved it from %s to %s at %s, and the log dates that %s", whom(m, l.Event), named(m.From), m.To,
					Clock(m.At), Clock(l.Logged))
			default:
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: at, At: max(at, 0), What: what, Expected: "one entry for each transition, and no other",
			})
			break
		}
	}
}

// misdated reports whether the log gives the move a time that nobody's clock can have shown: in simulated time, where nothing is held
// up, what is written carries the time at which it is.
func (v *View) misdated(m, l *history.Event) bool {
	off := (m.At.D() - l.Logged.D()).Abs()
	return off > slack && v.Plan.Live == nil && !v.polled && !v.clockOff(0, v.End) && !v.hindered(m.At.D()-off, m.At.D())
}

// toldAndNotDone is what can be judged of event-iff-transition where rows and log are out of sight: the feed says that a workspace
// became something to which nothing leads from what every look at its row shows, before and after.
func toldAndNotDone(v *View, r *report) {
	if !v.polled {
		return
	}
	for _, s := range v.Spaces {
		for _, e := range s.Told {
			status, after := s.throughout(e)
			if after == nil {
				continue
			}
			r.owed()
			if status == e.To || v.reachable(s, status, e.To, e.Sent, after.At) && v.reachable(s, e.To, status, e.Sent, after.At) {
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: e.Sent, At: after.At,
				What: fmt.Sprintf("the events feed says between %s and %s that it became %s, and its row was %s before and is at every look until %s",
					Clock(e.Sent), Clock(e.At), e.To, status, Clock(after.At)),
				Expected: "an entry for each transition, and no other: told, and not done",
			})
			break
		}
	}
}

// throughout returns what the workspace was when the feed can have told the entry at the earliest, and the first look at its row
// that began after it was told, where it was the same all the time by all that was read and replied, or nil.
func (s *Space) throughout(e *history.Event) (lifecycle.Status, *history.Event) {
	status, _ := s.at(e.Sent.D() - 1) // what was read at the same moment, may have been read before or after it
	for _, l := range s.Readings {
		switch {
		case l.At < e.Sent:
		case l.To != status:
			return status, nil
		case l.Sent > e.At:
			if s.moved(e.Sent.D(), l.At.D(), func(*history.Event) bool { return true }) {
				return status, nil
			}
			return status, l
		}
	}
	return status, nil
}

func causeKept(v *View, r *report) {
	for _, s := range v.Spaces {
		what, at := s.causeLost(r)
		since := at
		if what == "" {
			what, since, at = v.launchErrorLost(s, r)
		}
		if what == "" {
			what, since, at = v.launchErrorKept(s, r)
		}
		if what == "" {
			what, at = v.foreignCause(s, r)
			since = at
		}
		if what == "" {
			what, at = v.causeOutlived(s, r)
			since = at
		}
		if what != "" {
			r.violated(Violation{
				Workspace: s.Number, Since: since, At: at, What: what,
				Expected: "the cause on the row while it is failed, and in the log for ever",
			})
		}
	}
}

// answered are the launches of the incarnation that the controller was told the outcome of, in the order in which it was. A machine
// that was launched is none: where the call has run into its time limit, the cloud may launch it afterwards, and nobody is told.
func (s *Space) answered(inc int) []*history.Event {
	var all []*history.Event
	for _, c := range s.Clouds {
		if c.Call == "launch" && c.Inc == inc {
			all = append(all, c)
		}
	}
	return all
}

// launchErrorLost returns which boot was given up for want of a machine without the error of its last launch in the cause, and
// since when and when, or nothing: that no machine could be had is why, and the budget only when.
func (v *View) launchErrorLost(s *Space, r *report) (what string, since, at history.Time) {
	for _, l := range s.Logs {
		attempts := s.answered(l.Inc)
		if l.Event != lifecycle.ProvisionTimeout || len(attempts) == 0 || attempts[len(attempts)-1].Err == "" {
			continue
		}
		last := attempts[len(attempts)-1]
		recorded := last.At.D() + v.slack()
		if recorded > l.Logged.D() || v.hindered(begun(last), recorded) || v.clockOff(0, v.End) {
			continue // it may not have been written down yet, or not at all
		}
		r.owed()
		if !strings.Contains(l.Cause, last.Err) {
			return fmt.Sprintf("it was given up at %s with the cause %q, and its last launch failed at %s with %q", Clock(l.Logged), l.Cause,
				Clock(last.At), last.Err), last.At, l.Logged
		}
	}
	return "", 0, 0
}

// launchErrorKept returns which boot was given up, and when, with an error in its cause of a launch before the last, which succeeded,
// or nothing: that is not why it failed.
func (v *View) launchErrorKept(s *Space, r *report) (what string, since, at history.Time) {
	for _, l := range s.Logs {
		attempts := s.answered(l.Inc)
		if l.Event != lifecycle.ProvisionTimeout || len(attempts) < 2 || attempts[len(attempts)-1].Err != "" {
			continue
		}
		last := attempts[len(attempts)-1]
		recorded := last.At.D() + v.slack()
		if recorded > l.Logged.D() || v.hindered(begun(last), recorded) || v.clockOff(0, v.End) {
			continue
		}
		r.owed()
		for _, a := range attempts {
			if a.Err != "" && strings.Contains(l.Cause, a.Err) {
				return fmt.Sprintf("it was given up at %s with the cause %q, and that launch failed at %s, before the one at %s that succeeded",
					Clock(l.Logged), l.Cause, Clock(a.At), Clock(last.At)), last.At, l.Logged
			}
		}
	}
	return "", 0, 0
}

// causeOutlived returns where a workspace that is not failed shows the cause of a failure, and when, or nothing.
func (v *View) causeOutlived(s *Space, r *report) (what string, at history.Time) {
	if v.polled {
		return "", 0
	}
	for _, reading := range slices.Concat(s.Readings, s.Lists) {
		if reading.Cause == "" {
			continue
		}
		r.owed()
		if reading.To != lifecycle.Failed {
			return fmt.Sprintf("it is %s at %s, and shows the cause of a failure: %q", reading.To, Clock(reading.At), reading.Cause), reading.At
		}
	}
	return "", 0
}

// foreignCause returns which failure was logged without the words of what caused it, and when, or nothing: the report of who
// watched the boot, or the cloud's error about a launch of this incarnation.
func (v *View) foreignCause(s *Space, r *report) (what string, at history.Time) {
	for _, l := range s.Logs {
		var said string
		switch l.Event {
		case lifecycle.BootstrapFailed:
			for _, c := range s.Calls {
				if c.Call != "bootstrap-failed" || c.Code/100 == 4 || c.Data == "" {
					continue
				}
				words, tail := history.Field(c.Data, "error"), history.Field(c.Data, "log_tail")
				if said = words; strings.Contains(l.Cause, words) && strings.Contains(l.Cause, tail) {
					said = ""
					break
				}
			}
		case lifecycle.LaunchFailed:
			for _, c := range s.Clouds {
				if c.Call != "launch" || c.Inc != l.Inc || c.Err == "" {
					continue
				}
				if said = c.Err; strings.Contains(l.Cause, c.Err) {
					said = ""
					break
				}
			}
		default:
			continue
		}
		r.owed()
		if said != "" {
			return fmt.Sprintf("%s made it failed at %s with the cause %q, and what it was told was %q", l.Event, Clock(l.Logged), l.Cause, said), l.Logged
		}
	}
	return "", 0
}

// causeLost returns what was lost, and when, or nothing.
func (s *Space) causeLost(r *report) (what string, at history.Time) {
	causes := map[string]bool{} // of all failures; readings are compared with those, since a failure may follow another
	last := ""
	for i, l := range s.Logs {
		if l.To != lifecycle.Failed {
			continue
		}
		r.owed()
		if l.Cause == "" {
			at := l.Logged
			if i < len(s.Moves) {
				at = s.Moves[i].At
			}
			return fmt.Sprintf("%s made it failed at %s, and the log has no cause", l.Event, Clock(at)), at
		}
		last = l.Cause
		causes[l.Cause] = true
	}
	for _, reading := range slices.Concat(s.Readings, s.Lists) {
		if reading.To != lifecycle.Failed || len(causes) == 0 {
			continue
		}
		r.owed()
		if !causes[reading.Cause] {
			return fmt.Sprintf("it is failed at %s, and shows %q for a cause", Clock(reading.At), reading.Cause), reading.At
		}
	}
	if s.Row != nil && s.Row.To == lifecycle.Failed && last != "" {
		r.owed()
		if s.Row.Cause != last {
			return fmt.Sprintf("it is failed at the end, with the cause %q, and the log has %q", s.Row.Cause, last), s.Row.At
		}
	}
	return "", 0
}

func noPhantomRows(v *View, r *report) {
	for _, s := range v.Spaces {
		if len(s.Moves) > 0 {
			r.owed()
		}
	}
	i := slices.IndexFunc(v.strange, func(e *history.Event) bool {
		return e.Kind == history.Move && e.WS == 0 && e.From == lifecycle.None ||
			(v.polled || e.Call == "list") && e.Kind == history.Reading && e.WS == 0 && e.To != lifecycle.None && e.To != lifecycle.Removed
	})
	if i >= 0 {
		m := v.strange[i]
		r.violated(Violation{
			Since: m.At, At: m.At,
			What:     fmt.Sprintf("%s made a row in status %s for an id that nobody created", whom(m, lifecycle.NoEvent), m.To),
			Expected: "a 4xx for an unknown id, and no row",
		})
		return
	}
	if x := v.doubled(); x != nil {
		r.violated(*x)
		return
	}
	i = slices.IndexFunc(v.strange, func(e *history.Event) bool {
		return e.Kind == history.Call && e.WS == 0 && e.Actor == history.ActorAgent && e.Code/100 == 2 && e.Replica != 0
	})
	if i >= 0 {
		c := v.strange[i]
		r.violated(Violation{
			Since: c.Sent, At: c.At,
			What:     fmt.Sprintf("the %s of an agent whose id nobody created got %d", c.Call, c.Code),
			Expected: "a 4xx for an unknown id",
		})
	}
}

// doubled finds a row of a workspace when fewer creates had been sent than there were rows of it by then: the controller itself tried its
// own again. Only the simulated world knows whose create made a row, and sees every request, those that arrive twice included.
func (v *View) doubled() *Violation {
	if v.Plan.Live != nil {
		return nil
	}
	rows := map[int]int{} // beside the first
	for _, e := range v.strange {
		if e.Kind != history.Move || e.WS >= 0 || -e.WS > len(v.Spaces) || e.From != lifecycle.None {
			continue
		}
		rows[e.WS]++
		s := v.Spaces[-e.WS-1]
		asked := 0
		for _, c := range s.Asked {
			if c.Call == "create" && c.Sent <= e.At {
				asked++
			}
		}
		if len(s.Moves) == 0 || rows[e.WS] < asked || asked == 0 {
			continue
		}
		first := s.Moves[0]
		return &Violation{
			Workspace: s.Number, Since: first.At, At: e.At,
			What: fmt.Sprintf("its creation was asked for %s, and there are %d rows of it: of %s, and of %s", times(asked), 1+rows[e.WS],
				Clock(first.At), Clock(e.At)),
			Expected: "one workspace for one create, also where the controller is not told whether its first try took effect",
		}
	}
	return nil
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func noPanic(v *View, r *report) {
	r.owed()
	if len(v.panics) > 0 {
		p := v.panics[0]
		r.violated(Violation{
			Since: p.At, At: p.At, What: fmt.Sprintf("%s panicked: %s", whom(p, lifecycle.NoEvent), p.Err), Expected: "no panic",
		})
	}
}
