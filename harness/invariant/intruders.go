package invariant

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/history"
)

// keepsOut judges what intruders tried, who know a workspace's id and have no token, one of an incarnation before, or another
// workspace's. What a refused call has left behind, stored-as-sent sees: nothing that an intruder sends is ever expected.
func keepsOut(v *View, r *report) {
	for _, s := range v.Spaces {
		if len(s.Intruded) == 0 {
			continue
		}
		if c := v.letIn(s, r); c != nil {
			r.violated(Violation{
				Workspace: s.Number, Since: c.Sent, At: c.At,
				What:     fmt.Sprintf("an intruder's %s with %s got %d at %s", c.Call, c.By, c.Code, Clock(c.At)),
				Expected: "a refusal: only " + rightful[v.by(c)] + " may call that",
			})
		}
		i := slices.IndexFunc(s.Moves, func(m *history.Event) bool { return m.Actor == history.ActorIntruder })
		if i < 0 || agents(s.Moves[i].By) {
			continue // what an agent's call did is judged by its answer
		}
		m := s.Moves[i]
		r.owed()
		r.violated(Violation{
			Workspace: s.Number, Since: m.At, At: m.At, What: fmt.Sprintf("an intruder's %s made it %s at %s", m.By, m.To, Clock(m.At)),
			Expected: "nothing: it has no right to that",
		})
	}
}

// rightful names who may make a call.
var rightful = map[string]string{
	contract.Admin: "who has the operators' token", contract.Workspace: "who has the workspace's token or the operators'",
	contract.Agent: "who has the workspace's token",
}

func (v *View) by(c *history.Event) string {
	call, _ := v.Table.Contract().Call(c.Call)
	return call.By
}

// letIn returns the first call of an intruder that was granted, or nil.
func (v *View) letIn(s *Space, r *report) *history.Event {
	for _, c := range s.Intruded {
		by := v.by(c)
		if by == "" || by == contract.Anybody || by == contract.Agent && !v.barred(s, c) || c.Code == 0 {
			continue
		}
		r.owed()
		if c.Code/100 == 2 {
			return c
		}
	}
	return nil
}

// barred reports whether an agent's call may be made only by who has the token: its agent registered and was heard since the
// present boot began, so that there is one, and no other boot began before the call was answered. An older boot's is revoked.
func (v *View) barred(s *Space, c *history.Event) bool {
	if c.By == history.WithOldToken {
		return true
	}
	var registered, heard *history.Event
	for _, o := range s.Calls {
		switch {
		case o.Actor != history.ActorAgent || o.Code != 200 || o.At >= c.Sent:
		case o.Call == "register":
			registered = o
		case o.Call == "heartbeat" && registered != nil && o.Inc == registered.Inc && o.Sent >= registered.At:
			heard = o
		}
	}
	return heard != nil && heard.Inc == registered.Inc &&
		!s.moved(registered.Sent.D(), c.At.D(), func(m *history.Event) bool { return s.begins(m) })
}
