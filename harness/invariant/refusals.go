package invariant

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// What the contract has operators' calls refused for, in both directions: parts of reply-is-state. The reasons are the status, a
// parent that is paused, and active tasks.

// groundless says what is wrong with a refusal for which the contract has no reason, or nothing.
func (v *View) groundless(s *Space, c *history.Event, r *report) string {
	switch c.Call {
	case "restart", "pause", "resume", "hibernate": // referential-integrity judges the others
	default:
		return ""
	}
	if c.Actor != history.ActorOperator || c.Replica == 0 && v.Plan.Live == nil || v.twin(s) {
		return ""
	}
	if s.Plan.External && (c.Call == "restart" || c.Call == "hibernate") {
		return "" // its machine is not the controller's to stop, and the wire does not say what comes of that
	}
	applies := v.appliesTo(c.Call)
	if len(applies) == 0 {
		return ""
	}
	r.owed()
	from, until := c.Sent.D(), c.At.D()
	if v.mayHave(s, from, until, func(status lifecycle.Status) bool { return !applies[status] }) ||
		s.moved(from-v.tolerance, until+v.tolerance, func(*history.Event) bool { return true }) { // which the call may have lost against
		return ""
	}
	if p := v.parent(s); p != nil && (c.Call == "restart" || c.Call == "resume") &&
		v.mayHave(p, from, until, func(status lifecycle.Status) bool { return status == lifecycle.Paused }) {
		return ""
	}
	idle := ""
	if c.Call == "hibernate" {
		if idle = ", with force"; history.Field(c.Data, "force") != "true" {
			if active, _ := v.tasks(s, c); active > 0 {
				return ""
			}
			idle = ", with no active task"
		}
	}
	status, _ := s.at(until)
	return fmt.Sprintf("the %s at %s was refused with %d, and it was %s all along%s", c.Call, Clock(c.At), c.Code, status, idle)
}

// overlooked says what is wrong with a grant that the contract has a reason to refuse, or nothing.
func (v *View) overlooked(s *Space, c *history.Event, r *report) string {
	if c.Call != "hibernate" || history.Field(c.Data, "force") != "false" || v.twin(s) {
		return ""
	}
	r.owed()
	_, least := v.tasks(s, c)
	if least == 0 {
		return ""
	}
	return fmt.Sprintf("the hibernate at %s was granted without force, and %s active", Clock(c.At), counted(least))
}

func counted(tasks int) string {
	if tasks == 1 {
		return "a task was"
	}
	return fmt.Sprintf("%d tasks were", tasks)
}

// appliesTo returns the statuses out of which the call moves a workspace.
func (v *View) appliesTo(call string) map[lifecycle.Status]bool {
	from := map[lifecycle.Status]bool{}
	for _, e := range v.Table.Edges() {
		for _, l := range v.Table.Licences(e.Event) {
			if l.Call == call && e.From != lifecycle.None {
				from[e.From] = true
			}
		}
	}
	return from
}

// tasks returns how many active tasks the row may have said at most, and at least, while the call was under way. What is not known
// is many, and none.
func (v *View) tasks(s *Space, c *history.Event) (most, least int) {
	const many = 1 << 30
	k := kept{view: v, space: s}
	k.collect()
	some, initial := k.possible(c, "heartbeat")
	least = many
	if initial || len(some) == 0 {
		least = 0
	}
	for _, w := range some {
		n, err := strconv.Atoi(strings.TrimSpace(w.data.get("active_tasks")))
		switch {
		case w.unknown:
			most, least = many, 0
		case err != nil:
			least = 0 // it said none
		default:
			most, least = max(most, n), min(least, n)
		}
	}
	return most, least
}
