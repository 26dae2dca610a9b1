package postgres

import (
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// guard is what the lifecycle table says about one event, as SQL about a row's column status. It is the only place where
// the table becomes SQL.
type guard struct {
	event lifecycle.Event
	edges []lifecycle.Edge // in the order of the statuses that they leave
}

func newGuard(table *lifecycle.Table, event lifecycle.Event) guard {
	g := guard{event: event}
	for _, from := range lifecycle.Statuses() {
		if to, ok := table.Next(event, from); ok {
			g.edges = append(g.edges, lifecycle.Edge{Event: event, From: from, To: to})
		}
	}
	return g
}

// none reports whether the event moves nothing.
func (g guard) none() bool { return len(g.edges) == 0 }

// to returns the guard of those edges that lead to the status.
func (g guard) to(status lifecycle.Status) guard {
	kept := guard{event: g.event}
	for _, e := range g.edges {
		if e.To == status {
			kept.edges = append(kept.edges, e)
		}
	}
	return kept
}

// holds is true where the event moves a row whose status is in the column.
func (g guard) holds(column string) string {
	if g.none() {
		return "false"
	}
	from := make([]lifecycle.Status, len(g.edges))
	for i, e := range g.edges {
		from[i] = e.From
	}
	return isOneOf(column, from)
}

// next is the status that the event leads to, and the row's own where it leads nowhere.
func (g guard) next() string {
	if g.none() {
		return "status"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for _, to := range lifecycle.Statuses() {
		if led := g.to(to); !led.none() {
			fmt.Fprintf(&b, " WHEN %s THEN %s::workspace_status", led.holds("status"), quote(to))
		}
	}
	b.WriteString(" ELSE status END")
	return b.String()
}

// where returns an expression that is yes for rows that the event moves, and no for the others.
func (g guard) where(yes, no string) string {
	if g.none() {
		return no
	}
	return fmt.Sprintf("CASE WHEN %s THEN %s ELSE %s END", g.holds("status"), yes, no)
}

// move is the part of an UPDATE's SET that a transition needs. It leaves a row that the event does not move as it is, but
// for its scratch column.
func (g guard) move(now, cause string) string {
	return fmt.Sprintf("was = status, status = %s, updated_at = %s, cause = %s",
		g.next(), g.where(now, "updated_at"), g.where(g.to(lifecycle.Failed).where(cause, "''"), "cause"))
}

// log is the part of its RETURNING that writes the transition log, where the row moved, and yields the entry's number.
func (g guard) log(now, cause string) string {
	if g.none() {
		return "NULL::bigint"
	}
	return fmt.Sprintf("CASE WHEN %s THEN log_transition(id, incarnation, %s, was, status, %s, %s) END",
		g.holds("was"), quote(g.event), cause, now)
}

func isOneOf(column string, statuses []lifecycle.Status) string {
	quoted := make([]string, len(statuses))
	for i, s := range statuses {
		quoted[i] = quote(s)
	}
	return fmt.Sprintf("%s IN (%s)", column, strings.Join(quoted, ", "))
}

// quote returns the name as a literal. Names are lifecycle's own, of letters and underscores.
func quote(name fmt.Stringer) string { return "'" + name.String() + "'" }

// keepers and others are the statuses that do and do not keep a machine.
func keepers(keep bool) (statuses []lifecycle.Status) {
	for _, s := range lifecycle.Statuses() {
		if s.KeepsMachine() == keep {
			statuses = append(statuses, s)
		}
	}
	return statuses
}
