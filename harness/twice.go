package harness

import (
	"context"
	"fmt"
	"strings"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// Nondeterminism says that one plan took two courses, so that nothing that it showed can be relied on: something beside the
// plan decides what happens, such as a clock, a map's order, a goroutine, or what an earlier run left behind.
type Nondeterminism struct {
	Plan *plan.Plan
	// Choice is the first choice at which the two runs part, from 1, and 0 where they part in none.
	Choice int
	// Asked is what each of them asked there; nil where it asked for nothing any more.
	Asked [2]*oracle.Asked
	// Event is the first event in which the histories differ, from 1, as each of them has it; the one before is in Last.
	Event  int
	Events [2]string
	Last   string
}

// Error implements error.
func (n *Nondeterminism) Error() string {
	var b strings.Builder
	b.WriteString("not deterministic: played twice, the same plan took two courses")
	if n.Choice > 0 {
		fmt.Fprintf(&b, ", which part at choice %d: the first run asked for %s, the second for %s", n.Choice, asked(n.Asked[0]), asked(n.Asked[1]))
	} else {
		b.WriteString(", with the same choices")
	}
	if n.Event > 0 {
		fmt.Fprintf(&b, "; event %d is %s in the first and %s in the second", n.Event, n.Events[0], n.Events[1])
		if n.Last != "" {
			fmt.Fprintf(&b, ", after %s", n.Last)
		}
	}
	return b.String()
}

func asked(a *oracle.Asked) string {
	if a == nil {
		return "nothing more"
	}
	return fmt.Sprintf("a %s among %d", a.Point, a.N)
}

// Twice plays the plan twice, each time on a fresh store, and returns a [*Nondeterminism] where it took two courses.
func Twice(ctx context.Context, p *plan.Plan, source stores.Source, target sim.Target) error {
	var logs [2]*oracle.Log
	var outcomes [2]*Outcome
	for i := range outcomes {
		choices, log := oracle.Logged(p.Oracle())
		outcomes[i], logs[i] = Play(ctx, p, source, target, choices), log
		if outcomes[i].Fault != nil {
			return outcomes[i].Fault
		}
	}
	if outcomes[0].Digest == outcomes[1].Digest {
		return nil
	}
	n := &Nondeterminism{Plan: p}
	for i := range max(len(logs[0].Asked), len(logs[1].Asked)) {
		a, b := at(logs[0].Asked, i), at(logs[1].Asked, i)
		if a == nil || b == nil || *a != *b {
			n.Choice, n.Asked = i+1, [2]*oracle.Asked{a, b}
			break
		}
	}
	first, second := outcomes[0].History.Events, outcomes[1].History.Events
	for i := range max(len(first), len(second)) {
		a, b := at(first, i), at(second, i)
		if a != nil && b != nil && *a == *b {
			continue
		}
		n.Event, n.Events = i+1, [2]string{line(a), line(b)}
		if i > 0 {
			n.Last = line(&first[i-1])
		}
		break
	}
	return n
}

func at[T any](list []T, i int) *T {
	if i >= len(list) {
		return nil
	}
	return &list[i]
}

func line(e *history.Event) string {
	if e == nil {
		return "missing"
	}
	h := history.History{Events: []history.Event{*e}}
	var b strings.Builder
	if _, err := h.WriteTo(&b); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
