package invariant

import (
	"fmt"
	"maps"
	"slices"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// Invariant is a promise about every history.
type Invariant struct {
	Name    string
	Promise string
	check   func(*View, *report)
	// needs are the kinds of events that the promise cannot be judged without.
	needs []history.Kind
	// readable promises can be judged from readings where moves are out of sight.
	readable bool
	// partly judges what can be of the promise where what it needs is out of sight: a violation is one, and the rest is unknown.
	partly func(*View, *report)
}

// report collects what an invariant finds.
type report struct {
	name       string
	checked    int
	violations []Violation
	unknown    string // why it cannot be said whether it held, where it may not have
	slow       bool   // that is because the machine was too slow
}

func (r *report) owed() { r.checked++ }

func (r *report) violated(v Violation) {
	v.Invariant = r.name
	r.violations = append(r.violations, v)
}

// all is every invariant, in the order of the documentation.
var all = []Invariant{
	{
		"converges", "accepted heartbeats of the current incarnation bring a workspace online, and a live agent's is at the end",
		converges, []history.Kind{history.Move, history.Call, history.Agent}, true, nil,
	},
	{
		"stays-online", "while beats keep coming, a workspace is never offline or failed",
		staysOnline, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"degraded-as-reported", "a workspace is degraded, and online again, when a heartbeat says so by the contract's thresholds, and only then",
		degradedAsReported, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"detects-silence", "a workspace that is silent for the TTL is not online one sweep later",
		detectsSilence, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"gives-up", "a boot that never beats is failed one sweep after its budget, and never before the budget is over",
		givesUp, []history.Kind{history.Move}, true, nil,
	},
	{
		"removed-is-terminal", "a removed workspace gets no other status, no 2xx for its agent, and no credential",
		removedIsTerminal, []history.Kind{history.Move}, true, nil,
	},
	{
		"operator-intent-holds", "paused and hibernated last until the operator says otherwise, a pause reaches all workspaces below, and hibernating ends",
		operatorIntentHolds, []history.Kind{history.Move}, true, nil,
	},
	{
		"loser-cannot-overwrite-winner", "a late outcome of an older step never overwrites a newer status",
		loserCannotOverwriteWinner, []history.Kind{history.Log}, false, nil,
	},
	{
		"legal-edges", "a workspace only moves along the edges of the lifecycle",
		legalEdges, []history.Kind{history.Move}, false, nil,
	},
	{
		"one-machine", "an incarnation has at most one live machine; one that no workspace wants is stopped within the orphan bound, and no other is",
		oneMachine, []history.Kind{history.Move, history.Machine}, true, nil,
	},
	{
		"unasked", "every change of status and every new incarnation has a licence: a call that may have had that effect, once, or a rule",
		unasked, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"launches", "a workspace that wants a machine is launched one, and a launch that fails for now is tried again",
		launches, []history.Kind{history.Move, history.Machine, history.Cloud}, true, nil,
	},
	{
		"as-declared", "a target keeps to the policies that it declares",
		asDeclared, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"keeps-out", "a caller without the right to a call gets nothing from it, and changes nothing",
		keepsOut, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"current-incarnation", "only the current incarnation's agent is proof of life",
		currentIncarnation, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"reply-is-state", "what a reply says is what is stored",
		replyIsState, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"stored-as-sent", "replies and launches show what the operator and the agent sent last",
		storedAsSent, []history.Kind{history.Move, history.Call}, false, nil,
	},
	{
		"event-iff-transition", "the log has exactly the transitions that happened",
		eventIffTransition, []history.Kind{history.Move, history.Log}, false, toldAndNotDone,
	},
	{
		"cause-kept", "a failure's cause can be read while it lasts, and from the log afterwards",
		causeKept, []history.Kind{history.Log}, false, nil,
	},
	{
		"no-phantom-rows", "no workspace exists that nobody created",
		noPhantomRows, []history.Kind{history.Move}, true, nil,
	},
	{
		"referential-integrity", "a child has its parent for as long as it exists, and a workspace without children can be removed",
		referentialIntegrity, []history.Kind{history.Move, history.Call}, true, nil,
	},
	{
		"bounded-churn", "without faults, a workspace does not flap",
		boundedChurn, []history.Kind{history.Move}, true, nil,
	},
	{
		"expected", "what the scenario expects never, at most, or by some time, is so",
		asExpected, []history.Kind{history.Move}, true, nil,
	},
	{
		"no-panic", "the controller does not panic",
		noPanic, []history.Kind{history.Panic}, false, nil,
	},
}

// blameOrder is which to name first of several invariants that were broken at the same moment: the one that says most exactly
// what went wrong. Which move was wrong comes before what the row and the log then say of it.
var blameOrder = []string{
	"no-panic", "no-phantom-rows", "referential-integrity", "keeps-out", "loser-cannot-overwrite-winner", "removed-is-terminal", "current-incarnation",
	"operator-intent-holds", "unasked", "reply-is-state", "one-machine", "gives-up", "launches", "as-declared", "bounded-churn", "detects-silence",
	"stays-online", "degraded-as-reported", "legal-edges", "event-iff-transition", "cause-kept", "converges", "expected", "linearizable",
}

// linearizable is judged of live histories only: where one thing happens at a time there is nothing to order.
var linearizable = Invariant{
	"linearizable", "on a wall clock, the replies have some legal order, one call after the other",
	hasLegalOrder, []history.Kind{history.Call}, true, nil,
}

// All returns every invariant, in the order of the documentation.
func All() []Invariant { return append(slices.Clone(all), linearizable) }

// judged returns the invariants that the plan is judged by.
func judged(p *plan.Plan) []Invariant {
	if p.Live == nil {
		return all
	}
	return All()
}

// Judge judges the history of the plan by every invariant. One that needs what the plan's world cannot see is inconclusive
// for this target, which its finding says, and does not decide the verdict of the run: it is a property of the target, and
// known before anything was played.
func Judge(p *plan.Plan, h *history.History) *Judgement {
	v := NewView(p, h)
	j := &Judgement{Verdict: Held, Doubts: v.doubts()}
	owed, tooSlow := 0, false
	for _, inv := range judged(p) {
		why := inv.missing(p)
		if why != "" && inv.partly != nil {
			r := report{name: inv.Name}
			inv.check = inv.partly
			inv.check(v, &r)
			v.withSlowness(&inv, &r)
			if len(r.violations) > 0 {
				j.Findings = append(j.Findings, Finding{Invariant: inv.Name, Verdict: Violated, Checked: r.checked, Violations: r.violations})
				j.Verdict = Violated
				continue
			}
		}
		if why != "" {
			j.Findings = append(j.Findings, Finding{Invariant: inv.Name, Verdict: Inconclusive, Why: why})
			continue
		}
		r := report{name: inv.Name}
		inv.check(v, &r)
		v.withSlowness(&inv, &r)
		tooSlow = tooSlow || r.slow
		f := Finding{Invariant: inv.Name, Verdict: Held, Checked: r.checked, Violations: r.violations}
		switch {
		case len(r.violations) > 0:
			f.Verdict = Violated
		case r.unknown != "":
			f.Verdict, f.Why = Inconclusive, r.unknown
			j.Doubts = append(j.Doubts, fmt.Sprintf("%s: %s", inv.Name, r.unknown))
		}
		owed += r.checked
		j.Verdict = j.Verdict.Worse(f.Verdict)
		j.Findings = append(j.Findings, f)
	}
	if owed == 0 && p.Live != nil {
		j.Doubts = append(j.Doubts, "nothing that any invariant promises was owed: this run has judged nothing")
	}
	if len(j.Doubts) > 0 {
		j.Verdict = j.Verdict.Worse(Inconclusive)
	}
	if j.Slow = v.slowness(); j.Slow != nil && j.Verdict == Inconclusive {
		j.Slow.Decides = tooSlow || j.Slow.Lost >= notable
		if !tooSlow && j.Slow.Decides {
			j.Doubts = append(j.Doubts, fmt.Sprintf("this machine was slow, which may be why: it lost %.0f%% of the run (%s)",
				100*j.Slow.Lost, j.Slow.Why))
		}
	}
	return j
}

// asksNobody reports whether the controller never asked the cloud about a machine: an answer that is wrong cannot mislead it.
func (v *View) asksNobody() bool {
	return !slices.ContainsFunc(v.events, func(e history.Event) bool { return e.Kind == history.Cloud && e.Call == "describe" })
}

// doubts returns why the run proves less than its plan was made for.
func (v *View) doubts() []string {
	var doubts []string
	for i, f := range v.Plan.Faults {
		if v.struck[i+1] == 0 && (f.Kind != "describe-error" || !v.asksNobody()) {
			doubts = append(doubts, fmt.Sprintf("fault %d (%s) never struck", i+1, f.Kind))
		}
	}
	if len(v.events) == 0 || v.events[len(v.events)-1].Kind != history.End {
		doubts = append(doubts, "the run did not come to its end")
	}
	doubts = append(doubts, v.strangers()...)
	expect := v.Plan.Expect
	if expect == nil {
		return doubts
	}
	seen := map[string]bool{}
	statuses := map[string]int{}
	for _, s := range v.Spaces {
		for _, l := range s.Logs {
			seen[l.Event.String()] = true
		}
		status, _ := s.at(v.End)
		statuses[status.String()]++
	}
	doubts = append(doubts, v.refusedActs(expect.Refused)...)
	for _, name := range expect.Events {
		if v.polled && v.mayHaveMoved(name) {
			continue
		}
		if !seen[name] {
			doubts = append(doubts, fmt.Sprintf("the scenario is about %s, which never moved a workspace", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(expect.Statuses)) {
		if want := expect.Statuses[name]; statuses[name] != want {
			doubts = append(doubts, fmt.Sprintf("the scenario ends with %d %s, this run with %d", want, name, statuses[name]))
		}
	}
	return doubts
}
