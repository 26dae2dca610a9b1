package invariant

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/linear"
	"github.com/bootrace/bootrace/scenarios"
)

// What the answer to a call says of what the call did: parts of reply-is-state.

// belied returns what is wrong with the answer to the call, and what it should have been, or nothing.
func (v *View) belied(s *Space, c *history.Event, r *report) (what, expected string) {
	if other := history.Field(c.Data, "another"); other != "" {
		r.owed()
		return fmt.Sprintf("the reply to %s at %s is about %s, which is another workspace", c.Call, Clock(c.At), other), "the workspace that was asked about"
	}
	if v.polled {
		return "", ""
	}
	switch {
	case c.Call == "state" && c.Code/100 == 2:
		return misflagged(c, r), "paused and deleted as the status is"
	case c.Code == 404 || c.Code == 410 || c.Code == 409:
		if what, expected = v.deniedThere(s, c, r); what != "" {
			return what, expected
		}
		return v.groundless(s, c, r), "granted: the contract has no reason to refuse it"
	case c.Code == 401 && c.Actor == history.ActorAgent:
		return v.uselessCredential(s, c, r), "accepted: it is the last credential that was handed out"
	case c.Code/100 == 2 && c.Actor == history.ActorOperator:
		if what = v.ineffective(s, c, r); what != "" {
			return what, "an effect: what is granted is done"
		}
		if what = v.overlooked(s, c, r); what != "" {
			return what, "a 409: only with force is a workspace with active tasks hibernated"
		}
		return v.miscounted(s, c, r), "as many as the call moved"
	}
	return "", ""
}

// deniedThere judges an answer that there is no such workspace.
func (v *View) deniedThere(s *Space, c *history.Event, r *report) (what, expected string) {
	call, ok := v.Table.Contract().Call(c.Call)
	if !ok || c.Code == 409 || slices.Contains(call.Codes.Conflict, c.Code) || c.Replica == 0 && v.Plan.Live == nil {
		return "", ""
	}
	r.owed()
	if v.mayHave(s, c.Sent.D(), c.At.D(), notThere) || v.twin(s) {
		return "", ""
	}
	status, _ := s.at(c.At.D())
	return fmt.Sprintf("the %s at %s got %d, as of a workspace that is not there, and it was %s", c.Call, Clock(c.At), c.Code, status),
		"an answer about the workspace: it is there"
}

// uselessCredential judges that a credential which a register handed out is accepted by the next call, where no other register
// and no other boot can have put another one in its place.
func (v *View) uselessCredential(s *Space, c *history.Event, r *report) string {
	var earned *history.Event
	for _, o := range s.Calls {
		if o.Actor != history.ActorAgent || o.Call == "update-card" || o == c || o.Sent >= c.Sent {
			continue
		}
		if earned == nil || o.Sent > earned.Sent {
			earned = o
		}
	}
	if earned == nil || earned.Call != "register" || !earned.Token || earned.Err != "" || earned.Inc != c.Inc || c.Err != "" {
		return ""
	}
	for _, o := range s.Calls {
		if o != earned && o.Call == "register" && o.Sent <= c.At && (o.Code == 0 || o.At >= earned.Sent) {
			return ""
		}
	}
	if s.moved(earned.Sent.D(), c.At.D(), func(m *history.Event) bool { return s.begins(m) || m.To == lifecycle.Removed }) {
		return ""
	}
	r.owed()
	return fmt.Sprintf("the register at %s handed out a credential, and the %s at %s got 401 with it", Clock(earned.At), c.Call, Clock(c.Sent))
}

// ineffective judges that a call of the operator's that was granted did something, or found it done.
func (v *View) ineffective(s *Space, c *history.Event, r *report) string {
	if c.Call == "create" && v.twin(s) || c.Call == "bootstrap-failed" && history.Field(c.Data, "no_change") != "" {
		return ""
	}
	from, until := c.Sent.D()-v.tolerance, c.At.D()+v.tolerance
	leads := map[lifecycle.Status]bool{}
	begins := false
	for _, e := range v.Table.Edges() {
		for _, l := range v.Table.Licences(e.Event) {
			if l.Call == c.Call {
				leads[e.To] = true
				begins = begins || v.Table.Begins(e.Event) && !s.Plan.External
			}
		}
	}
	if len(leads) == 0 {
		return "" // it only reads
	}
	r.owed()
	for i, m := range s.Moves {
		if m.At.D() >= from && m.At.D() <= until && leads[m.To] && (!begins || i == 0 || m.Inc != s.Moves[i-1].Inc) {
			return ""
		}
	}
	if !begins && s.within(from, until, func(status lifecycle.Status) bool {
		return leads[status] || c.Call == "hibernate" && status == lifecycle.Hibernated
	}) {
		return ""
	}
	status, _ := s.at(c.At.D())
	return fmt.Sprintf("the %s at %s was granted with %d and did nothing: it is %s", c.Call, Clock(c.At), c.Code, named(status))
}

// miscounted judges how many workspaces a pause or a resume says that it reached.
func (v *View) miscounted(s *Space, c *history.Event, r *report) string {
	count, err := strconv.Atoi(history.Field(c.Data, "count"))
	if err != nil || v.tolerance > 0 {
		return ""
	}
	family := append([]*Space{s}, v.below(s)...)
	moved := 0
	for _, member := range family {
		for _, m := range member.Moves {
			if m.At >= c.Sent && m.At <= c.At && (c.Call == "pause") == (m.To == lifecycle.Paused) && (c.Call == "pause" || v.Table.Held(m.From)) && m.To != lifecycle.Removed {
				moved++
			}
		}
		for _, o := range append(slices.Clone(member.Asked), v.askedAbove(member)...) {
			if o != c && o.Sent <= c.At && (o.At >= c.Sent || o.Code == 0) {
				return "" // somebody else's call may have moved some of them
			}
		}
	}
	r.owed()
	if count == moved {
		return ""
	}
	return fmt.Sprintf("the reply to the %s at %s counts %s, and it moved %d", c.Call, Clock(c.At), plural(count, "workspace", "workspaces"), moved)
}

func (v *View) askedAbove(s *Space) []*history.Event {
	var all []*history.Event
	for _, n := range v.Plan.Above(s.Number) {
		all = append(all, v.Spaces[n-1].Asked...)
	}
	return all
}

// misflagged judges the flags that GET …/state gives beside the status.
func misflagged(c *history.Event, r *report) string {
	r.owed()
	for _, flag := range []struct {
		name   string
		status lifecycle.Status
	}{{"paused", lifecycle.Paused}, {"deleted", lifecycle.Removed}} {
		if told := history.Field(c.Data, flag.name); told != "" && told != strconv.FormatBool(c.Says == flag.status.String()) {
			return fmt.Sprintf("the state at %s says %s: %s, and that it is %s", Clock(c.At), flag.name, told, c.Says)
		}
	}
	return ""
}

// refusedActs returns the acts of the plan that the controller refused, and that its scenario does not say may be.
func (v *View) refusedActs(may []string) []string {
	var doubts []string
	for i, a := range v.Plan.Acts {
		call := scenarios.CallOf(a.Do)
		if slices.Contains(may, a.Do) || a.Workspace < 1 || a.Workspace > len(v.Spaces) {
			continue
		}
		s := v.Spaces[a.Workspace-1]
		for _, c := range s.Asked {
			if c.Call != call || c.Sent < history.Time(a.At) || c.Code == 0 || c.Code >= 500 || c.Code == 429 || c.Err != "" {
				continue
			}
			if c.Code/100 == 4 {
				doubts = append(doubts, fmt.Sprintf("act %d (%s of %s) had no effect: it got %d at %s", i+1, a.Do, s.Plan.Name, c.Code, Clock(c.At)))
			}
			break
		}
	}
	return doubts
}

// hasLegalOrder judges the replies about each workspace by a model of one: see package linear.
func hasLegalOrder(v *View, r *report) {
	problems, replies := linear.Check(v.Plan, &history.History{Events: v.events}, linear.Timeout)
	r.checked = replies
	for _, x := range problems {
		if x.Unknown {
			r.unknown = fmt.Sprintf("workspace %d: %s", x.Workspace, x.What)
			continue
		}
		r.violated(Violation{
			Workspace: x.Workspace, Since: x.Since, At: x.At, What: x.What,
			Expected: "replies that one thing after another can have given, by the lifecycle's edges",
		})
	}
}
