package generate

import (
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
)

// Strategy is how the schedules of plans are drawn.
type Strategy struct {
	// Depth is 0 for a random schedule; otherwise that of probabilistic concurrency testing: tasks go by priorities, and
	// Depth − 1 steps are held up.
	Depth int
}

// The strategies.
var (
	Random = Strategy{}
	PCT1   = Strategy{Depth: 1}
	PCT2   = Strategy{Depth: 2}
	PCT3   = Strategy{Depth: 3}
)

// String returns the strategy's name.
func (s Strategy) String() string {
	if s.Depth == 0 {
		return "random"
	}
	return fmt.Sprintf("pct-%d", s.Depth)
}

// Portfolio are strategies that take turns: what one of them is blind to, another may see.
type Portfolio []Strategy

// portfolios are those that can be asked for.
var portfolios = []struct {
	name string
	of   Portfolio
}{
	{"portfolio", Portfolio{Random, PCT1, Random, PCT2, Random, PCT3}},
	{"random", Portfolio{Random}},
	{"pct-1", Portfolio{PCT1}},
	{"pct-2", Portfolio{PCT2}},
	{"pct-3", Portfolio{PCT3}},
}

// Portfolios returns the names of the portfolios, the default first.
func Portfolios() []string {
	names := make([]string, len(portfolios))
	for i, p := range portfolios {
		names[i] = p.name
	}
	return names
}

// FindPortfolio returns the portfolio of the name; the empty name is the default's.
func FindPortfolio(name string) (Portfolio, error) {
	for i, p := range portfolios {
		if p.name == name || i == 0 && name == "" {
			return p.of, nil
		}
	}
	return nil, fmt.Errorf("there is no strategy %q; there are %s", name, strings.Join(Portfolios(), ", "))
}

// Turn returns the strategy of the n-th plan, from 0.
func (p Portfolio) Turn(n int) Strategy { return p[n%len(p)] }

// schedule puts the strategy into the plan: its change points are drawn around moments that matter, since nearly every step
// of a run is idle.
func (g *generator) schedule(s Strategy) {
	if s.Depth == 0 {
		return
	}
	g.plan.Schedule = plan.PCT
	for range s.Depth - 1 {
		from := g.moment("preempt")
		g.plan.Faults = append(g.plan.Faults, plan.Fault{
			Kind: "preempt", From: plan.Duration(from), Until: plan.Duration(from + time.Minute),
			Nth: []int{1 + g.draw("preempted step", 12)}, Delay: plan.Duration(pick(g, "preempted for", delays...)),
		})
	}
}
