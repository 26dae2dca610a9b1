package invariant

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// What a target does otherwise on purpose. Its policies excuse what the contract would not, and are owed. Whether the machines of
// failed workspaces are stopped, one-machine judges: by the policy nobody wants them.

// asDeclared judges that a target keeps what it says of itself.
func asDeclared(v *View, r *report) {
	policy := v.Table.Policies()
	for _, s := range v.Spaces {
		if policy.NoticesDeath && !blind(v.Plan, history.Machine) && v.unnoticed(s, r) ||
			policy.OnlineAfter > 1 && v.onlineTooSoon(s, r) ||
			policy.LaunchQuota > 0 && !blind(v.Plan, history.Cloud) && v.pastQuota(s, r) ||
			policy.Relaunches && !blind(v.Plan, history.Machine) && v.notRelaunched(s, r) {
			continue
		}
		if policy.RestartsOffline > 0 {
			v.notRestarted(s, r)
		}
	}
}

// noticeBound is how long it takes to notice at once that a machine has ended: a look at every machine, as often as silences are
// looked for.
func (v *View) noticeBound() time.Duration { return v.Settings.LivenessSweepEvery + v.slack() }

// onlineAfter is how many proofs of life in a row it takes to be online.
func (v *View) onlineAfter() int { return max(1, v.Table.Policies().OnlineAfter) }

// ended returns the end of the incarnation's last machine that was launched by the time, where it had ended by then, or nil.
func (s *Space) ended(inc int, by history.Time) (end *history.Event) {
	last := ""
	for _, m := range s.Machines {
		switch {
		case m.Inc != inc || m.At > by:
		case m.Phase == history.Launched:
			last, end = m.Machine, nil
		case m.Ends() && m.Machine == last:
			end = m
		}
	}
	return end
}

// noticed reports whether the move may be what a target that notices the end of a machine at once makes of it. Whose machines are
// out of sight, nobody knows which of them have ended.
func (v *View) noticed(s *Space, m *history.Event) bool {
	return v.Table.Policies().NoticesDeath && (blind(v.Plan, history.Machine) || s.ended(m.Inc, m.At) != nil)
}

// unnoticed judges that the end of a machine was noticed, and reports whether it found a violation.
func (v *View) unnoticed(s *Space, r *report) bool {
	waits := func(status lifecycle.Status) bool {
		return v.Table.Converged(status) || status == lifecycle.Provisioning && !v.Table.Policies().Relaunches
	}
	for _, e := range s.Machines {
		if !e.Ends() || e.Inc == 0 {
			continue
		}
		since, unclear := e.At.D(), false
		for _, c := range s.Calls { // what its agent sent before it ended may bring it back
			if c.Inc != e.Inc || !mayProve(c) {
				continue
			}
			since = max(since, c.At.D())
			unclear = unclear || c.Code == 0
		}
		deadline, known := v.knownAt(s, v.extend(since, v.noticeBound(), s.Number))
		status, inc := s.at(deadline)
		another := slices.ContainsFunc(s.Machines, func(o *history.Event) bool {
			return o.Phase == history.Launched && o.Inc == e.Inc && o.At > e.At && o.At.D() <= deadline
		})
		if !known || unclear || another || inc != e.Inc {
			continue
		}
		r.owed()
		if !waits(status) || s.moved(since, deadline, func(*history.Event) bool { return true }) {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: e.At, At: history.Time(deadline), Bound: v.noticeBound(),
			What:     fmt.Sprintf("its machine %s ended at %s, and it is still %s %s later", e.Machine, Clock(e.At), status, Span(deadline-e.At.D())),
			Expected: fmt.Sprintf("offline or failed within %s: the target says that it notices the end of a machine at once", Span(v.noticeBound())),
		})
		return true
	}
	return false
}

// earned reports whether the i-th proof of life is one by which the workspace must be online: a target may ask for several in a
// row, and count registers or not.
func (v *View) earned(s *Space, i int) bool {
	need := v.onlineAfter()
	if need == 1 {
		return true
	}
	last := s.Proofs[i]
	if last.Call != "heartbeat" {
		return false
	}
	n, next := 1, last
	for j := i - 1; j >= 0 && n < need; j-- {
		p := s.Proofs[j]
		if p.Inc != last.Inc || next.At.D()-p.Sent.D() >= v.ttl(s) {
			return false
		}
		if p.Call == "heartbeat" {
			n++
			next = p
		}
	}
	return n == need && !v.clockOff(next.Sent.D()-v.ttl(s)-v.clockBy, last.At.D()) && !s.moved(next.Sent.D()-v.tolerance, last.At.D(), func(m *history.Event) bool { return !v.Table.Converged(m.To) })
}

// onlineTooSoon judges that as many proofs of life came as the target asks for, and reports whether it found a violation.
func (v *View) onlineTooSoon(s *Space, r *report) bool {
	var since time.Duration
	for i, m := range s.Moves {
		if v.Table.Converged(m.From) && !v.Table.Converged(m.To) || i == 0 || m.Inc != s.Moves[i-1].Inc {
			since = v.earliest(m)
		}
		if i == 0 || v.Table.Converged(m.From) || !v.Table.Converged(m.To) || m.Phase == Hearsay {
			continue
		}
		n := 0
		for _, g := range v.grants(s) {
			if agents(g.call) && !g.below && g.from <= m.At.D() && g.until >= since {
				n++
			}
		}
		r.owed()
		if n >= v.onlineAfter() {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: history.Time(since), At: m.At,
			What:     fmt.Sprintf("it was made %s at %s, after %s", m.To, Clock(m.At), plural(n, "proof of life", "proofs of life")),
			Expected: fmt.Sprintf("%s until there were %d in a row: the target says so", m.From, v.onlineAfter()),
		})
		return true
	}
	return false
}

// spent reports whether the launch that failed last was the last of the incarnation's quota.
func (v *View) spent(s *Space, inc int, last *history.Event) bool {
	quota := v.Table.Policies().LaunchQuota
	return quota > 0 && last != nil && len(s.failedLaunches(inc, last.At)) >= quota
}

// failedLaunches are the launches of the incarnation that had failed by the time.
func (s *Space) failedLaunches(inc int, by history.Time) (all []*history.Event) {
	for _, c := range s.Clouds {
		if c.Call == "launch" && c.Inc == inc && c.Err != "" && c.At <= by {
			all = append(all, c)
		}
	}
	return all
}

// pastQuota judges that no boot goes on past its quota of launches, and reports whether it found a violation.
func (v *View) pastQuota(s *Space, r *report) bool {
	quota := v.Table.Policies().LaunchQuota
	for i, m := range s.Moves {
		failed := s.failedLaunches(m.Inc, history.Time(v.End))
		if m.To != lifecycle.Provisioning || len(failed) < quota {
			continue
		}
		if slices.ContainsFunc(failed, func(a *history.Event) bool { return a.Phase == history.Attempt }) {
			continue // how many launches these were, their client knows
		}
		last := failed[quota-1]
		for _, a := range s.attempts(m.Inc) {
			if begun(a) <= last.At.D() || a.Kind != history.Cloud || v.hindered(begun(failed[0]), begun(a)) {
				continue
			}
			r.owed()
			r.violated(Violation{
				Workspace: s.Number, Since: last.At, At: a.At,
				What: fmt.Sprintf("launch %d of incarnation %d failed at %s (%s), and another one was tried at %s", quota, m.Inc, Clock(last.At),
					last.Err, clock(begun(a))),
				Expected: fmt.Sprintf("no launch more: the target says that it gives a boot up after %d that fail", quota),
			})
			return true
		}
		deadline, known := v.knownAt(s, v.extend(last.At.D(), v.launcherTurn(), s.Number))
		// What could not be written down when it failed was not counted.
		if i+1 < len(s.Moves) && s.Moves[i+1].At.D() <= deadline {
			r.owed()
			continue
		}
		if !known || v.hindered(begun(failed[0]), deadline) {
			continue
		}
		r.owed()
		r.violated(Violation{
			Workspace: s.Number, Since: last.At, At: history.Time(deadline), Bound: v.launcherTurn(),
			What: fmt.Sprintf("launch %d of incarnation %d failed at %s (%s), and it is still provisioning %s later", quota, m.Inc, Clock(last.At),
				last.Err, Span(deadline-last.At.D())),
			Expected: fmt.Sprintf("failed within %s: the target says that it gives a boot up after %d launches that fail", Span(v.launcherTurn()), quota),
		})
		return true
	}
	return false
}

// relaunched judges that no boot is given another machine after the one that the controller knew of had ended, where that is no
// policy of the target's. What was known is seen only where its reads are.
func (v *View) relaunched(s *Space, r *report) {
	if v.Table.Policies().Relaunches || v.Plan.Live != nil {
		return
	}
	for i, m := range s.Machines {
		if m.Phase != history.Launched || i == 0 {
			continue
		}
		before := s.ended(m.Inc, m.At-1)
		if before == nil || !slices.ContainsFunc(s.Steps, func(x *history.Event) bool { return x.Machine == before.Machine && x.At < m.At }) {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: before.At, At: m.At,
			What: fmt.Sprintf("incarnation %d was given machine %s at %s: its machine %s, of which the controller knew, had ended at %s",
				m.Inc, m.Machine, Clock(m.At), before.Machine, Clock(before.At)),
			Expected: "one machine for each incarnation: another boot is the operator's to ask for",
		})
		return
	}
}

// notRelaunched judges that a boot whose machine has ended is given another one, and reports whether it found a violation.
func (v *View) notRelaunched(s *Space, r *report) bool {
	bound := v.noticeBound() + v.launcherTurn()
	for _, e := range s.Machines {
		if !e.Ends() || e.Inc == 0 {
			continue
		}
		status, inc := s.at(e.At.D())
		deadline, known := v.knownAt(s, v.extend(e.At.D(), bound, s.Number))
		if status != lifecycle.Provisioning || inc != e.Inc {
			continue
		}
		if slices.ContainsFunc(s.attempts(inc), func(a *history.Event) bool { return begun(a) >= e.At.D() && begun(a) <= deadline }) {
			r.owed()
			continue
		}
		if !known || s.moved(e.At.D(), deadline, func(*history.Event) bool { return true }) || v.spent(s, inc, s.lastFailed(inc)) {
			continue
		}
		r.owed()
		r.violated(Violation{
			Workspace: s.Number, Since: e.At, At: history.Time(deadline), Bound: bound,
			What: fmt.Sprintf("machine %s of its boot ended at %s, and no other was launched until %s", e.Machine, Clock(e.At),
				Clock(history.Time(deadline))),
			Expected: fmt.Sprintf("another machine within %s: the target says that it gives a boot one whose machine has ended", Span(bound)),
		})
		return true
	}
	return false
}

func (s *Space) lastFailed(inc int) *history.Event {
	failed := s.failedLaunches(inc, history.Time(always))
	if len(failed) == 0 {
		return nil
	}
	return failed[len(failed)-1]
}

// offlineLongEnough reports whether the i-th move comes after the workspace was offline for as long as the target says.
func (v *View) offlineLongEnough(s *Space, i int) bool {
	m := s.Moves[i]
	if i == 0 || m.From != lifecycle.Offline {
		return false
	}
	began := s.Moves[i-1]
	return m.At.D()-v.earliest(began) >= v.Table.Policies().RestartsOffline-v.trip() || v.hinderedStart(began.At.D()) ||
		v.clockOff(began.At.D()-slack, m.At.D())
}

// notRestarted judges that a workspace which stays offline is restarted when the target says that it is.
func (v *View) notRestarted(s *Space, r *report) {
	after := v.Table.Policies().RestartsOffline
	sweep := v.Settings.LivenessSweepEvery + v.slack()
	for i, m := range s.Moves {
		if m.To != lifecycle.Offline || m.Phase == Hearsay || s.Plan.External {
			continue
		}
		deadline, known := v.knownAt(s, v.extend(v.due(m.At.D(), after, sweep), sweep, nobody))
		if i+1 < len(s.Moves) && s.Moves[i+1].At.D() <= deadline {
			r.owed()
			continue
		}
		if !known {
			continue
		}
		r.owed()
		r.violated(Violation{
			Workspace: s.Number, Since: m.At, At: history.Time(deadline), Bound: after + sweep, Due: m.At + history.Time(after),
			What:     fmt.Sprintf("it has been offline since %s, and is so %s later", Clock(m.At), Span(deadline-m.At.D())),
			Expected: fmt.Sprintf("restarted within %s: the target says that it does so after %s, and looks every %s", Span(after+sweep), Span(after), Span(sweep)),
		})
		return
	}
}
