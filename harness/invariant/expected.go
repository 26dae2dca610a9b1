package invariant

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// asExpected judges what the scenario itself promises: of the fleet, and of groups.
func asExpected(v *View, r *report) {
	e := v.Plan.Expect
	if e == nil {
		return
	}
	x := expectation{v, r, v.Spaces, "", e.Never, e.AtMost, time.Duration(e.OnlineBy)}
	x.judge()
	for _, g := range e.Groups {
		of := slices.DeleteFunc(slices.Clone(v.Spaces), func(s *Space) bool { return s.Plan.Group != g.Group })
		x := expectation{v, r, of, " of group " + g.Group, g.Never, g.AtMost, time.Duration(g.OnlineBy)}
		x.judge()
	}
}

// expectation is what a scenario promises of some workspaces.
type expectation struct {
	v        *View
	r        *report
	of       []*Space
	whose    string
	never    []string
	atMost   map[string]int
	onlineBy time.Duration
}

func (x expectation) judge() {
	for _, s := range x.of {
		if len(x.never) > 0 {
			x.r.owed()
			x.neverMoved(s)
		}
		if x.onlineBy > 0 {
			x.comesOnline(s)
		}
	}
	for _, status := range slices.Sorted(maps.Keys(x.atMost)) {
		x.r.owed()
		x.counted(status, x.atMost[status])
	}
}

func (x expectation) neverMoved(s *Space) {
	for i, m := range s.Moves {
		if event := x.v.event(s, i).String(); slices.Contains(x.never, event) {
			x.r.violated(Violation{
				Workspace: s.Number, Since: m.At, At: m.At,
				What: fmt.Sprintf("%s moved it from %s to %s at %s by %s, which the scenario says never happens", whom(m, x.v.event(s, i)),
					named(m.From), m.To, Clock(m.At), event),
				Expected: fmt.Sprintf("no %s%s", event, x.whose),
			})
			return
		}
	}
}

func (x expectation) comesOnline(s *Space) {
	until, known := x.v.knownAt(s, x.onlineBy+x.v.tolerance)
	if !known {
		return
	}
	x.r.owed()
	if s.within(0, until, x.v.Table.Converged) {
		return
	}
	status, _ := s.at(until)
	x.r.violated(Violation{
		Workspace: s.Number, At: history.Time(until), Bound: x.onlineBy,
		What:     fmt.Sprintf("it was not online by %s, and is %s then", clock(x.onlineBy), named(status)),
		Expected: fmt.Sprintf("online by %s, as the scenario says%s%s", clock(x.onlineBy), x.whose, x.v.tolerated()),
	})
}

func (x expectation) counted(status string, most int) {
	var came []*history.Event
	for _, s := range x.of {
		for _, m := range s.Moves {
			if m.To.String() == status && m.From != m.To {
				came = append(came, m)
			}
		}
	}
	if len(came) <= most {
		return
	}
	slices.SortStableFunc(came, func(a, b *history.Event) int { return int(min(max(a.At-b.At, -1), 1)) })
	m := came[most]
	x.r.violated(Violation{
		Workspace: m.WS, Since: came[0].At, At: m.At,
		What:     fmt.Sprintf("it became %s at %s: that is %s in this run", status, Clock(m.At), plural(len(came), "time", "times")),
		Expected: fmt.Sprintf("at most %s, as the scenario says%s", plural(most, "time", "times"), x.whose),
	})
}
