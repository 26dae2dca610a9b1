package invariant

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// The invariants about what must never happen to a workspace.

func removedIsTerminal(v *View, r *report) {
	for _, s := range v.Spaces {
		i := slices.IndexFunc(s.Moves, func(m *history.Event) bool { return m.To == lifecycle.Removed })
		if i < 0 {
			continue
		}
		r.owed()
		removed := s.Moves[i]
		if i+1 < len(s.Moves) {
			m := s.Moves[i+1]
			r.violated(Violation{
				Workspace: s.Number, Since: removed.At, At: m.At,
				What: fmt.Sprintf("it was removed at %s, and %s made it %s %s later", Clock(removed.At),
					whom(m, v.event(s, i+1)), m.To, Span(m.At.D()-removed.At.D())),
				Expected: "removed, for ever",
			})
			continue
		}
		accepted := slices.IndexFunc(s.Calls, func(c *history.Event) bool {
			return c.Actor == history.ActorAgent && c.Sent >= removed.At+history.Time(v.tolerance) && c.Code/100 == 2
		})
		switch {
		case accepted >= 0:
			c := s.Calls[accepted]
			what := fmt.Sprintf("it was removed at %s, and its agent's %s at %s got %d", Clock(removed.At), c.Call, Clock(c.At), c.Code)
			if c.Token {
				what += " with a live credential"
			}
			r.violated(Violation{
				Workspace: s.Number, Since: removed.At, At: c.At, What: what, Expected: "a 4xx and no credential",
			})
		case s.Row != nil && s.Row.Phase == history.TokenLive:
			r.violated(Violation{
				Workspace: s.Number, Since: removed.At, At: s.Row.At,
				What:     fmt.Sprintf("it was removed at %s, and its credential is live at the end", Clock(removed.At)),
				Expected: "no live credential",
			})
		}
	}
}

func operatorIntentHolds(v *View, r *report) {
	for _, s := range v.Spaces {
		if v.reaches(s, r) {
			continue
		}
		for i, m := range s.Moves {
			if m.To == lifecycle.Hibernating && !v.hibernates(s, i, r) {
				break
			}
			if !v.Table.Held(m.From) || m.From == lifecycle.Removed {
				continue
			}
			r.owed()
			if m.From == lifecycle.Hibernating && m.To == lifecycle.Hibernated || v.asked(s, m) {
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: s.Moves[max(i-1, 0)].At, At: m.At,
				What:     fmt.Sprintf("it was %s, and %s made it %s at %s", m.From, whom(m, v.event(s, i)), m.To, Clock(m.At)),
				Expected: fmt.Sprintf("%s until the operator says otherwise", m.From),
			})
			break
		}
	}
}

// asked reports whether the operator may have asked for the move: a call of theirs was under way, or got no answer and may
// still be on its way.
func (v *View) asked(s *Space, m *history.Event) bool {
	may := func(c *history.Event) bool {
		return mayHaveActed(c) && c.Sent.D() <= m.At.D()+v.tolerance && (c.At.D() >= v.earliest(m) || c.Code == 0)
	}
	if slices.ContainsFunc(s.Asked, func(c *history.Event) bool {
		return (c.Call == "resume" || c.Call == "restart" || c.Call == "delete") && may(c)
	}) {
		return true
	}
	return slices.ContainsFunc(v.Plan.Above(s.Number), func(n int) bool {
		return slices.ContainsFunc(v.Spaces[n-1].Asked, func(c *history.Event) bool {
			return (c.Call == "resume" || m.To == lifecycle.Removed && c.Call == "delete") && may(c)
		})
	})
}

// hibernates judges that the hibernation that the move begins comes to its end, and reports false where it does not.
func (v *View) hibernates(s *Space, i int, r *report) bool {
	m := s.Moves[i]
	bound := v.launcherTurn() + v.queueing(len(v.Spaces)-1, m.At.D())
	deadline := v.extend(m.At.D(), bound, s.Number)
	if deadline > v.End || i+1 < len(s.Moves) && s.Moves[i+1].At.D() <= deadline {
		return true
	}
	r.owed()
	r.violated(Violation{
		Workspace: s.Number, Since: m.At, At: history.Time(deadline), Bound: bound,
		What:     fmt.Sprintf("it has been hibernating since %s", Clock(m.At)),
		Expected: fmt.Sprintf("hibernated within %s: its machine is stopped by then", Span(bound)),
	})
	return false
}

// loserCannotOverwriteWinner judges outcomes of steps that began before the workspace moved on. It blames only where both
// steps are known, and in which order they came: an edge that the lifecycle lacks is legal-edges' to judge.
func loserCannotOverwriteWinner(v *View, r *report) {
	for _, s := range v.Spaces {
		for n, l := range s.Logs {
			if !v.Table.Outcome(l.Event) || l.From == l.To {
				continue // an entry that says that nothing moved overwrote nothing
			}
			r.owed()
			i := s.moveOf(n)
			if i <= 0 {
				continue
			}
			m := s.Moves[i]
			to, ok := v.Table.Next(l.Event, l.From)
			switch older := s.olderLaunch(l); {
			case l.Event == lifecycle.LaunchFailed && older != nil && !blind(v.Plan, history.Cloud) && !s.refused(l):
				r.violated(Violation{
					Workspace: s.Number, Since: older.Sent, At: m.At,
					What: fmt.Sprintf("incarnation %d was failed at %s by the error of incarnation %d's launch%s", l.Inc, Clock(m.At), older.Inc,
						because(l.Cause)),
					Expected: "the outcome of an older incarnation's launch no longer counts",
				})
			case (!ok || to != l.To) && v.overtaken(s, i) != nil:
				r.violated(Violation{
					Workspace: s.Number, Since: s.Moves[i-1].At, At: m.At,
					What: fmt.Sprintf("it was %s, and a late %s made it %s at %s%s", l.From, l.Event, l.To, Clock(m.At),
						because(l.Cause)),
					Expected: fmt.Sprintf("%s: the outcome of an older step no longer counts", l.From),
				})
			default:
				continue
			}
			break
		}
	}
}

// olderLaunch returns the last launch of an earlier incarnation that had failed by the time of the log's entry, or nil.
func (s *Space) olderLaunch(l *history.Event) (older *history.Event) {
	for _, c := range s.Clouds {
		if c.Call == "launch" && c.Inc < l.Inc && c.Err != "" {
			older = c
		}
	}
	return older
}

func because(cause string) string {
	if cause == "" {
		return ""
	}
	return fmt.Sprintf(" (%q)", cause)
}

// refused reports whether a launch of the entry's incarnation had failed by then. Clocks that are off do not matter here:
// that it failed at all is what counts.
func (s *Space) refused(l *history.Event) bool {
	return slices.ContainsFunc(s.Clouds, func(c *history.Event) bool {
		return c.Call == "launch" && c.Inc == l.Inc && c.Err != ""
	})
}

func legalEdges(v *View, r *report) {
	for _, s := range v.Spaces {
		for i, m := range s.Moves {
			r.owed()
			var why string
			event := v.event(s, i)
			to, ok := v.Table.Next(event, m.From)
			switch {
			case !v.Table.Edge(m.From, m.To):
				why = "no event leads there"
			case event != lifecycle.NoEvent && (!ok || to != m.To):
				why = fmt.Sprintf("%s does not lead there", event)
			case i > 0 && m.Inc != s.Moves[i-1].Inc && (m.To != lifecycle.Provisioning || m.Inc != s.Moves[i-1].Inc+1):
				why = fmt.Sprintf("the incarnation went from %d to %d", s.Moves[i-1].Inc, m.Inc)
			case i > 0 && m.From != s.Moves[i-1].To:
				why = fmt.Sprintf("it was %s before", s.Moves[i-1].To)
			default:
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: m.At, At: m.At,
				What:     fmt.Sprintf("%s moved it from %s to %s at %s: %s", whom(m, event), named(m.From), m.To, Clock(m.At), why),
				Expected: "a move along an edge of the lifecycle",
			})
			break
		}
	}
}

func named(s lifecycle.Status) string {
	if s == lifecycle.None {
		return "nothing"
	}
	return s.String()
}

func currentIncarnation(v *View, r *report) {
	for _, s := range v.Spaces {
		if s.movedByOld(r) {
			continue
		}
		for _, p := range s.Proofs {
			status, inc := s.at(p.Sent.D() - v.tolerance)
			if inc <= 1 {
				continue
			}
			r.owed()
			if p.Inc == inc || p.Inc == 0 || s.Plan.External || v.tolerance > 0 && p.Inc > inc {
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: p.Sent, At: p.At,
				What: fmt.Sprintf("a %s of incarnation %d was accepted at %s, when incarnation %d was current and it was %s",
					p.Call, p.Inc, Clock(p.At), inc, status),
				Expected: "a refusal: only the current incarnation's agent is proof of life",
			})
			break
		}
	}
}

// movedByOld judges the moves that an agent made, and reports whether it found a violation.
func (s *Space) movedByOld(r *report) bool {
	for _, m := range s.Moves {
		if m.ByInc == 0 {
			continue
		}
		r.owed()
		if m.ByInc == m.Inc || s.Plan.External {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: m.At, At: m.At,
			What: fmt.Sprintf("a %s of incarnation %d made incarnation %d %s at %s", m.By, m.ByInc, m.Inc, m.To,
				Clock(m.At)),
			Expected: "only the current incarnation's agent makes it online",
		})
		return true
	}
	return false
}

func oneMachine(v *View, r *report) {
	bound := v.Settings.OrphanSweepEvery + v.Settings.LauncherEvery + v.Settings.LaunchTimeout + v.slack()
	for _, s := range v.Spaces {
		v.relaunched(s, r)
		live := map[int]string{}
		for _, m := range s.Machines {
			if m.Phase == history.Restarted {
				continue
			}
			if m.Ends() {
				if live[m.Inc] == m.Machine {
					delete(live, m.Inc)
				}
				if m.Phase == history.Terminated && v.wanted(s, m) {
					r.violated(Violation{
						Workspace: s.Number, Since: m.At, At: m.At,
						What: fmt.Sprintf("the controller stopped machine %s at %s, when the workspace was %s and kept its machine",
							m.Machine, Clock(m.At), s.statusAt(m.At.D())),
						Expected: "only what nobody wants is stopped",
					})
					break
				}
				continue
			}
			r.owed()
			if other, ok := live[m.Inc]; ok {
				r.violated(Violation{
					Workspace: s.Number, Since: m.At, At: m.At,
					What:     fmt.Sprintf("incarnation %d was given machine %s while %s was live", m.Inc, m.Machine, other),
					Expected: "one machine for each incarnation",
				})
			}
			live[m.Inc] = m.Machine
			if since, until, ok := v.unwanted(s, m, bound); ok {
				r.violated(Violation{
					Workspace: s.Number, Since: history.Time(since), At: history.Time(until), Bound: bound,
					What: fmt.Sprintf("machine %s of incarnation %d has been unwanted since %s, and still runs %s later",
						m.Machine, m.Inc, clock(since), Span(until-since)),
					Expected: fmt.Sprintf("stopped within %s: a launch's time-out and one orphan sweep%s", Span(bound), v.tolerated()),
				})
				break
			}
		}
	}
	for _, e := range v.strange {
		if e.Kind != history.Machine || e.Phase != history.Launched || e.WS != 0 {
			continue
		}
		r.owed()
		deadline := v.extend(e.At.D(), bound, anybody)
		if deadline > v.End || slices.ContainsFunc(v.strange, func(o *history.Event) bool {
			return o.Machine == e.Machine && o.Ends()
		}) {
			continue
		}
		r.violated(Violation{
			Since: e.At, At: history.Time(deadline), Bound: bound,
			What:     fmt.Sprintf("machine %s is known to no row", e.Machine),
			Expected: "every machine belongs to a workspace",
		})
	}
}

// wanted reports whether the workspace wanted the machine all the time until the event. What was unwanted for a moment may
// be stopped whatever the row says by then.
func (v *View) wanted(s *Space, m *history.Event) bool {
	if v.polled && v.mayHaveBeenAsked(s, m.At) {
		return false
	}
	status, inc := s.at(m.At.D())
	return inc == m.Inc && v.Table.KeepsMachine(status) && !s.moved(0, m.At.D()+v.tolerance, func(move *history.Event) bool {
		return move.Inc == m.Inc && !v.Table.KeepsMachine(move.To) || v.tolerance > 0 && move.Inc > m.Inc
	})
}

// mayHaveBeenAsked reports whether the operator had asked by then for anything of the workspace, or of one above it, that ends a
// machine: what was done when, readings do not show exactly enough.
func (v *View) mayHaveBeenAsked(s *Space, by history.Time) bool {
	of := append(v.Plan.Above(s.Number), s.Number)
	return slices.ContainsFunc(of, func(n int) bool {
		return slices.ContainsFunc(v.Spaces[n-1].Asked, func(c *history.Event) bool {
			return c.Call != "create" && c.Call != "list" && mayHaveActed(c) && c.Sent <= by+history.Time(v.tolerance)
		})
	})
}

// unwanted returns since when the launched machine was wanted by nobody, and until when it ran too long, if it did.
func (v *View) unwanted(s *Space, m *history.Event, bound time.Duration) (since, until time.Duration, ok bool) {
	gone := v.End + 1
	for _, o := range s.Machines {
		if o.Machine == m.Machine && o.Ends() {
			gone = o.At.D()
		}
	}
	wanted := func(status lifecycle.Status, inc int) bool { return v.Table.KeepsMachine(status) && inc == m.Inc }
	since = -1
	status, inc := s.at(m.At.D())
	// Where moves are told from readings and replies, a machine may come before it is known that it is wanted.
	unknown := func(status lifecycle.Status, inc int) bool {
		return v.polled && (status == lifecycle.None || inc < m.Inc)
	}
	if !wanted(status, inc) && !unknown(status, inc) {
		since = m.At.D()
	}
	tooLong := func(by time.Duration) bool {
		until = v.extend(since, bound, s.Number)
		return since >= 0 && gone > until && until <= by
	}
	for _, move := range s.Moves {
		switch {
		case move.At <= m.At:
		case since < 0 && !wanted(move.To, move.Inc) && !unknown(move.To, move.Inc):
			since = move.At.D()
		case since >= 0 && wanted(move.To, move.Inc): // what a policy gives up may come back
			if tooLong(move.At.D()) {
				return since, until, true
			}
			since = -1
		}
	}
	return since, until, tooLong(v.End)
}
