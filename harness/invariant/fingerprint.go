package invariant

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
)

// Fingerprint is the violation's mechanism without its times and names: two with the same one may have the same cause, and two with
// different ones do not.
func Fingerprint(p *plan.Plan, h *history.History, x *Violation) string {
	return NewView(p, h).Fingerprint(x)
}

// Fingerprint is that of a violation of the view's history.
func (v *View) Fingerprint(x *Violation) string {
	if x.Workspace < 1 || x.Workspace > len(v.Spaces) {
		return x.Invariant
	}
	s := v.Spaces[x.Workspace-1]
	status, inc := s.at(x.At.D())
	switch x.Invariant {
	case "converges":
		return fmt.Sprintf("%s: %s", x.Invariant, v.reception(s, status, inc, x))
	case "removed-is-terminal":
		i := slices.IndexFunc(s.Moves, func(m *history.Event) bool { return m.To == lifecycle.Removed })
		if i >= 0 && i+1 < len(s.Moves) {
			return fmt.Sprintf("%s: made %s", x.Invariant, s.Moves[i+1].To)
		}
		for _, c := range s.Calls {
			if c.At == x.At && c.Actor == history.ActorAgent {
				return fmt.Sprintf("%s: %s accepted", x.Invariant, c.Call)
			}
		}
	case "reply-is-state":
		for _, l := range s.Lists {
			if l.At == x.At {
				return fmt.Sprintf("%s: list shows %q", x.Invariant, l.To)
			}
		}
		for _, c := range s.Calls {
			if c.Sent == x.Since && c.Says != "" {
				return fmt.Sprintf("%s: %s says %s of %s", x.Invariant, c.Call, c.Says, status)
			}
		}
	}
	m, _ := s.moveInto(x.At.D())
	if m == nil {
		return x.Invariant
	}
	return fmt.Sprintf("%s: %s → %s", x.Invariant, named(m.From), m.To)
}

// reception says how the calls of the workspace's current agent were received where it does not converge.
func (v *View) reception(s *Space, status lifecycle.Status, inc int, x *Violation) string {
	m, _ := s.moveInto(x.At.D())
	accepted, refused := 0, map[int]int{}
	for _, c := range s.Calls {
		if c.Actor != history.ActorAgent || c.Inc != inc || m != nil && c.Sent < m.Sent || c.At.D() > v.End {
			continue
		}
		switch {
		case c.Accepted():
			accepted++
		case c.Code >= 400:
			refused[c.Code]++
		}
	}
	most, code := 0, 0
	for _, c := range []int{401, 403, 404, 410, 429, 500, 503} {
		if refused[c] > most {
			most, code = refused[c], c
		}
	}
	switch {
	case most > accepted:
		return fmt.Sprintf("calls of the current agent get %d", code)
	case accepted > 0:
		return fmt.Sprintf("calls are accepted, and it is %s", status)
	}
	return fmt.Sprintf("nothing is heard, and it is %s", status)
}

// lockedOut says of an agent that is refused with 401 which token it would have to have: when that was issued, to whom, and what
// should have revoked it. It returns nothing where no token was seen to be issued.
func (v *View) lockedOut(s *Space, inc int, by history.Time) string {
	var issued, began *history.Event
	for _, c := range s.Calls {
		switch {
		case c.At > by:
		case c.Token && c.Code/100 == 2 && (issued == nil || c.Inc < inc || c.Actor == history.ActorOperator):
			issued = c
		case c.Actor == history.ActorOperator && (c.Call == "restart" || c.Call == "resume") && c.Code/100 == 2:
			began = c
		}
	}
	if issued == nil {
		return ""
	}
	to := fmt.Sprintf("to incarnation %d by its register", issued.Inc)
	if issued.Actor == history.ActorOperator {
		to = "with its creation"
	}
	text := fmt.Sprintf(" The token that is live was issued %s at %s", to, Clock(issued.At))
	switch {
	case issued.Err != "":
		return text + ", in a reply that its agent never got; nobody has it, and no register is given another."
	case began != nil && began.At >= issued.At && issued.Inc < inc:
		return text + fmt.Sprintf("; the %s at %s did not revoke it, so incarnation %d, which does not have it, cannot be let in.", began.Call, Clock(began.At), inc)
	}
	return text + "."
}

// onlyBeats says why a workspace is stuck whose agent beats, where another one was in the same place until its agent registered.
func (v *View) onlyBeats(s *Space, m *history.Event) string {
	registered := func(of *Space, from, until history.Time) *history.Event {
		for _, c := range of.Proofs {
			if c.Call == "register" && c.At >= from-history.Time(v.tolerance) && c.Sent <= until+history.Time(v.tolerance) {
				return c
			}
		}
		return nil
	}
	if registered(s, m.At, history.Time(v.End)) != nil {
		return ""
	}
	for _, o := range v.Spaces {
		for _, healed := range o.Moves {
			if o == s || healed.From != m.To || !v.Table.Converged(healed.To) {
				continue
			}
			c := registered(o, history.Time(v.earliest(healed)), healed.At)
			if c == nil {
				continue
			}
			kind := "registered before that, and only beats since"
			if s.Plan.SkipRegister {
				kind = "never registers, as one does whose token is in its environment or on its disk"
			}
			return fmt.Sprintf(" Its agent %s. %s was %s as well, until its agent registered at %s: here a register heals that, and a heartbeat does not.",
				kind, sentenceStart(o.called()), m.To, Clock(c.At))
		}
	}
	return ""
}
