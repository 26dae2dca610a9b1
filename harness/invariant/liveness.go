package invariant

import (
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// The invariants about agents that beat, fall silent, or never come.

// convergeBound is how long after an accepted proof of life the workspace must be online. The contract moves it with the
// proof itself; one heartbeat's time is what users notice.
const convergeBound = 30 * time.Second

// convergeBound returns the bound for the plan: one heartbeat is less where agents on a wall clock beat more often.
func (v *View) convergeBound() time.Duration {
	if v.Plan.Live == nil {
		return convergeBound
	}
	return min(convergeBound, max(v.Plan.Settings.Heartbeat(), slack)) + v.tolerance
}

// tolerated says in words how much wider a bound is than the promise, where it is.
func (v *View) tolerated() string {
	if v.tolerance == 0 {
		return ""
	}
	return fmt.Sprintf(" (%s of that tolerated on a wall clock)", Span(v.tolerance))
}

func converges(v *View, r *report) {
	for _, s := range v.Spaces {
		if !convergesByProofs(v, s, r) {
			convergesAtTheEnd(v, s, r)
		}
	}
}

// convergesByProofs judges every accepted proof of life, and reports whether it found a violation.
func convergesByProofs(v *View, s *Space, r *report) bool {
	for i, p := range s.Proofs {
		if !v.earned(s, i) {
			continue
		}
		from, until := p.Sent.D()-v.tolerance, p.At.D()+v.convergeBound()
		status, inc := s.at(p.At.D())
		until, known := v.knownAt(s, until)
		// What was put aside when the proof was stored owes nothing for it, whatever it is when the answer comes.
		if inc != p.Inc || !known || v.mayHave(s, p.Sent.D(), p.At.D(), v.Table.Held) {
			continue
		}
		// The operator may move it on before the bound is over.
		if s.moved(from, until, func(m *history.Event) bool { return v.Table.Held(m.To) || m.Inc != p.Inc }) {
			continue
		}
		r.owed()
		if s.within(from, until, v.Table.Converged) {
			continue
		}
		r.violated(Violation{
			Workspace: s.Number, Since: p.At, At: history.Time(until), Bound: v.convergeBound(),
			What:     fmt.Sprintf("its %s at %s was accepted, and it is %s", p.Call, Clock(p.At), status),
			Expected: fmt.Sprintf("online within %s of the first accepted heartbeat%s", Span(v.convergeBound()), v.tolerated()),
		})
		return true
	}
	return false
}

// convergesAtTheEnd judges a live agent that has had every chance: faults are over, and it called again and again.
func convergesAtTheEnd(v *View, s *Space, r *report) {
	status, inc := s.at(v.End)
	if v.Table.Held(status) || status == lifecycle.None || v.mayBeGone(s) || v.polled && s.shutOut() {
		return
	}
	agent := s.agentAtTheEnd(inc)
	if agent == nil {
		return
	}
	if s.Plan.External && !s.Plan.KnownURL && (v.twin(s) || !slices.ContainsFunc(s.Calls, func(c *history.Event) bool {
		return c.Call == "create" && c.Token && c.Err == ""
	})) {
		return // its token was lost with the reply to its creation, and the contract has no other way to get one
	}
	// Two heartbeats, and a register that was retried at its slowest.
	bound := time.Duration(1+v.onlineAfter())*v.Plan.Settings.Heartbeat() + time.Minute + v.tolerance
	since := max(agent.At.D(), v.healed())
	for _, m := range s.Moves {
		if m.To == lifecycle.Provisioning || m.To == lifecycle.AwaitingAgent {
			since = max(since, m.At.D())
		}
	}
	if _, known := v.knownAt(s, since+bound); !known {
		return
	}
	r.owed()
	if v.Table.Converged(status) {
		return
	}
	r.violated(Violation{
		Workspace: s.Number, Since: history.Time(since), At: history.Time(v.End), Bound: bound,
		What: fmt.Sprintf("its agent has been up since %s, every fault was over by %s, and it is %s at the end",
			Clock(agent.At), clock(v.healed()), status),
		Expected: fmt.Sprintf("online within %s of the later of the two%s", Span(bound), v.tolerated()),
	})
}

// mayBeGone reports whether the operator may have had the workspace removed: by a call about it, or about one above it.
func (v *View) mayBeGone(s *Space) bool {
	if !v.polled {
		return false
	}
	removes := func(c *history.Event) bool { return c.Call == "delete" && mayHaveActed(c) }
	return slices.ContainsFunc(s.Asked, removes) || slices.ContainsFunc(v.Plan.Above(s.Number), func(n int) bool {
		return slices.ContainsFunc(v.Spaces[n-1].Asked, removes)
	})
}

// agentAtTheEnd returns the start of the incarnation's agent that is up at the end, or nil.
func (s *Space) agentAtTheEnd(inc int) *history.Event {
	var agent *history.Event
	for _, a := range s.Agents {
		if a.Inc == inc && a.Phase == history.Started {
			agent = a
		} else if a.Inc == inc {
			agent = nil
		}
	}
	if agent == nil || slices.ContainsFunc(s.Machines, func(m *history.Event) bool {
		// What was restarted has an agent only once that has started again.
		return m.Inc == inc && m.Machine == agent.Machine && (m.Ends() || m.Phase == history.Restarted && m.At >= agent.At)
	}) {
		return nil
	}
	return agent
}

func staysOnline(v *View, r *report) {
	for _, s := range v.Spaces {
		ttl := v.ttl(s)
		last := -1 // in s.Calls
		var proof *history.Event
		for i, m := range s.Moves {
			for last+1 < len(s.Calls) && s.Calls[last+1].At <= m.At {
				last++
				if c := s.Calls[last]; v.coming(c) {
					proof = c
				}
			}
			if !v.Table.Converged(m.From) {
				continue
			}
			r.owed()
			if m.To != lifecycle.Offline && m.To != lifecycle.Failed || m.Phase == Hearsay || proof == nil || proof.Inc != m.Inc {
				continue
			}
			silent := m.At.D() - proof.Sent.D()
			if v.polled {
				silent = s.silentBy(v.earliest(m), m.At.D())
			}
			if silent >= ttl-v.tolerance || v.clockOff(m.At.D()-ttl-v.slack(), m.At.D()) || v.noticed(s, m) {
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: proof.At, At: m.At, Bound: ttl, Due: justBefore(m.At),
				What: fmt.Sprintf("%s moved it from %s to %s, %s after its agent's last %s",
					whom(m, v.event(s, i)), m.From, m.To, Span(m.At.D()-proof.At.D()), proof.Call),
				Expected: fmt.Sprintf("%s for as long as its agent calls more often than every %s", m.From, Span(ttl-v.tolerance)),
			})
			break
		}
	}
}

// silentBy is the longest that the workspace can have been silent at a moment between the two times.
func (s *Space) silentBy(earliest, latest time.Duration) time.Duration {
	var longest, heard time.Duration
	for _, c := range s.Calls {
		if c.At.D() > latest || !c.Accepted() {
			continue
		}
		if c.At.D() > earliest {
			longest = max(longest, c.At.D()-heard)
		}
		heard = max(heard, c.Sent.D())
	}
	return max(longest, latest-heard)
}

// coming reports whether the call shows the controller that the agent lives, accepted or not: one that it turns away for
// calling too often lives, too; but where that is somebody else's server, all callers share the harness's address, and it is the
// harness that calls too often. One that somebody else turned away on its way did not reach it.
func (v *View) coming(c *history.Event) bool {
	return c.Accepted() || !v.polled && c.Actor == history.ActorAgent && c.Code == 429 && c.Replica != 0
}

func detectsSilence(v *View, r *report) {
	for _, s := range v.Spaces {
		ttl := v.ttl(s)
		sweep := v.Settings.LivenessSweepEvery + v.slack()
		var heard []*history.Event
		if len(s.Moves) > 0 && v.Table.Converged(s.Moves[0].To) { // taken for online at its creation, until it is silent
			heard = append(heard, s.Moves[0])
		}
		for _, c := range s.Calls {
			if mayProve(c) {
				heard = append(heard, c)
			}
		}
		for i, p := range heard {
			// What happens to the sweeps while the TTL runs does not matter; what happens once it is over does.
			deadline := v.extend(v.due(p.At.D(), ttl, sweep), sweep, nobody)
			deadline, known := v.knownAt(s, deadline)
			if !known || i+1 < len(heard) && heard[i+1].Sent.D() <= deadline {
				continue
			}
			r.owed()
			status, _ := s.at(deadline)
			if !v.Table.Converged(status) {
				continue
			}
			what := fmt.Sprintf("the last %s was heard at %s", p.Call, Clock(p.At))
			if p.Kind == history.Move {
				what = fmt.Sprintf("it was created at %s as %s, and nothing was ever heard of it", Clock(p.At), p.To)
			}
			r.violated(Violation{
				Workspace: s.Number, Since: p.At, At: history.Time(deadline), Bound: ttl + sweep, Due: p.At + history.Time(ttl),
				What:     fmt.Sprintf("%s, and it is %s %s later", what, status, Span(deadline-p.At.D())),
				Expected: fmt.Sprintf("offline within %s: the TTL of %s and one sweep%s", Span(ttl+sweep), Span(ttl), v.tolerated()),
			})
			break
		}
	}
}

// mayProve reports whether the call may have counted as proof of life, whatever its caller saw: it may have reached the
// store, or it was turned away only for calling too often.
func mayProve(c *history.Event) bool {
	if c.Actor != history.ActorAgent || c.Call != "heartbeat" && c.Call != "register" {
		return false
	}
	return c.Code == 200 || c.Code == 429 || c.Code >= 500 || c.Code == 0
}

func givesUp(v *View, r *report) {
	for _, s := range v.Spaces {
		budget := v.budget(s)
		for i, begin := range s.Moves {
			if begin.To != lifecycle.Provisioning {
				continue
			}
			var next *history.Event
			if i+1 < len(s.Moves) {
				next = s.Moves[i+1]
			}
			r.owed()
			since := begin.At.D()
			if next != nil && next.Phase != Hearsay && v.gaveUp(s, i+1) {
				age := next.At.D() - v.askedFor(s, begin)
				if age < budget-v.trip() && !v.hinderedStart(since) && !v.clockOff(since-slack, next.At.D()) && !v.noticed(s, next) {
					r.violated(Violation{
						Workspace: s.Number, Since: begin.At, At: next.At, Bound: budget, Due: justBefore(next.At),
						What: fmt.Sprintf("%s gave its boot up at %s, when it was %s old",
							whom(next, lifecycle.ProvisionTimeout), Clock(next.At), Span(age)),
						Expected: fmt.Sprintf("left alone until its budget of %s is over", Span(budget)),
					})
					break
				}
			}
			if next != nil && v.failedTooSoon(s, i+1, begin, budget) {
				r.violated(Violation{
					Workspace: s.Number, Since: begin.At, At: next.At, Bound: budget, Due: justBefore(next.At),
					What: fmt.Sprintf("%s failed its boot at %s, when it was %s old, and nothing had ended it for good", whom(next, v.event(s, i+1)),
						Clock(next.At), Span(next.At.D()-v.askedFor(s, begin))),
					Expected: fmt.Sprintf("left alone until its budget of %s is over: only a refusal for good, or the report of who watched it, ends a boot before",
						Span(budget)),
				})
				break
			}
			if slices.ContainsFunc(s.Proofs, func(p *history.Event) bool { return p.Inc == begin.Inc }) {
				continue
			}
			sweep := v.Settings.ProvisionSweepEvery + v.slack()
			deadline := v.extend(v.due(since, budget, sweep), sweep, nobody)
			deadline, known := v.knownAt(s, deadline)
			if !known && next == nil && !s.Plan.External && budget < plan.Never {
				r.unknown = fmt.Sprintf("workspace %d: the run ends at %s, and the boot of %s has until %s: whether it is given up then is not known",
					s.Number, Clock(history.Time(v.End)), Clock(begin.At), Clock(history.Time(deadline)))
			}
			if !known || next != nil && next.At.D() <= deadline {
				continue
			}
			r.violated(Violation{
				Workspace: s.Number, Since: begin.At, At: history.Time(deadline), Bound: budget + sweep, Due: begin.At + history.Time(budget),
				What: fmt.Sprintf("its boot of %s never showed life, and it is still provisioning %s later",
					Clock(begin.At), Span(deadline-since)),
				Expected: fmt.Sprintf("failed within %s: the budget of %s and one sweep%s", Span(budget+sweep), Span(budget), v.tolerated()),
			})
			break
		}
	}
}

// justBefore is from when on slowness matters where something was done too early: it may have been written, or noted, late.
func justBefore(t history.Time) history.Time { return t - history.Time(slack) }

// failedTooSoon reports whether the i-th move fails a boot before its budget is over for a reason that may pass. That the
// controller gave it up, or failed it without any reason, other judgements say.
func (v *View) failedTooSoon(s *Space, i int, begin *history.Event, budget time.Duration) bool {
	m, event := s.Moves[i], v.event(s, i)
	if v.polled || m.To != lifecycle.Failed || m.From != lifecycle.Provisioning || event == lifecycle.ProvisionTimeout ||
		m.At.D()-v.askedFor(s, begin) >= budget-v.trip() || v.hinderedStart(begin.At.D()) || v.clockOff(begin.At.D()-slack, m.At.D()) {
		return false
	}
	if event == lifecycle.LaunchFailed && !slices.ContainsFunc(s.Clouds, func(c *history.Event) bool { return c.Call == "launch" && c.Inc == m.Inc && c.Err != "" }) {
		return false // an older boot's: see loser-cannot-overwrite-winner
	}
	for _, g := range v.grants(s) {
		if g.call == "bootstrap-failed" && g.from <= m.At.D() && g.until >= v.earliest(m) {
			return false
		}
	}
	failed := s.failedLaunches(m.Inc, m.At)
	if slices.ContainsFunc(failed, func(c *history.Event) bool { return c.Phase == history.Permanent }) {
		return false
	}
	quota := v.Table.Policies().LaunchQuota
	return (quota == 0 || len(failed) < quota) && !v.noticed(s, m)
}

// gaveUp reports whether the i-th move is a boot given up by a sweeper. Where moves are told from readings, that is what is
// left where nothing else can have failed it, which takes a world that sees what the cloud answers.
func (v *View) gaveUp(s *Space, i int) bool {
	m := s.Moves[i]
	if !v.polled {
		return v.event(s, i) == lifecycle.ProvisionTimeout
	}
	return m.To == lifecycle.Failed && !blind(v.Plan, history.Cloud) && !s.failedByOthers(m)
}

func (v *View) trip() time.Duration { return trip + v.tolerance }

// trip is what may pass between the reading of a time and the write of it, where nothing hinders.
const trip = 100 * time.Millisecond

// askedFor is when the boot that begins with the move was asked for, at the earliest. The controller may have read its clock from
// then on, and have written the row much later.
func (v *View) askedFor(s *Space, begin *history.Event) time.Duration {
	at := begin.At.D()
	if v.polled {
		at = v.earliest(begin)
	}
	for _, g := range v.grants(s) {
		if g.from <= begin.At.D() && begin.At.D() <= g.until {
			at = min(at, g.from+v.tolerance) // which who judges by this has allowed for
		}
	}
	return max(at, 0)
}

// hinderedStart reports whether the row that begins a boot may have been written long after its times were read.
func (v *View) hinderedStart(t time.Duration) bool { return v.hindered(t-time.Minute, t) }

func boundedChurn(v *View, r *report) {
	// Three ups and downs with every fault long over are a pattern.
	const ups = 3
	for _, s := range v.Spaces {
		calm := max(v.healed()+v.ttl(s)+v.Settings.LivenessSweepEvery+v.convergeBound(), 0)
		if calm >= v.End {
			continue
		}
		r.owed()
		var flaps []*history.Event
		for _, m := range s.Moves {
			if m.At.D() > calm && m.Phase != Hearsay && v.Table.Converged(m.From) && (m.To == lifecycle.Offline || m.To == lifecycle.Failed) {
				flaps = append(flaps, m)
			}
		}
		if len(flaps) >= ups {
			r.violated(Violation{
				Workspace: s.Number, Since: flaps[0].At, At: flaps[ups-1].At, Bound: v.ttl(s),
				What:     fmt.Sprintf("it left online %d times with no fault about", len(flaps)),
				Expected: "online, for good, once the faults are over",
			})
		}
	}
}
