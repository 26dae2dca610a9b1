package harness

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// Ledger measures how the search finds every named defect, and that it finds nothing in the reference controller.
type Ledger struct {
	Seeds int           // searches for each defect
	For   time.Duration // bound of one search
	// Sound are how many checks the reference controller has to survive on each source, in their order.
	Sound []SoundChecks
	// Progress is told what was measured last.
	Progress func(string)
}

// SoundChecks is a number of checks on a source.
type SoundChecks struct {
	Source stores.Source
	Checks int
}

// LedgerRow is how one defect was found: medians of the searches.
type LedgerRow struct {
	Defect  *defects.Defect
	Found   int // of Seeds
	Caught  []string
	Checks  int
	Search  time.Duration
	Shrink  time.Duration
	Largest Size // of all plans that were left
}

// Defects searches for every defect, and returns a row for each.
func (l Ledger) Defects(ctx context.Context) ([]LedgerRow, error) {
	var rows []LedgerRow
	for _, d := range defects.All() {
		row := LedgerRow{Defect: d}
		var checks []int
		var search, shrinking []time.Duration
		for seed := range l.Seeds {
			r, err := Checking{
				Target: sim.Reference(d), Source: stores.Memory(), Seed: uint64(seed), For: l.For,
			}.Run(ctx)
			if err != nil || ctx.Err() != nil {
				return rows, cmp.Or(err, ctx.Err())
			}
			if r.Found == nil {
				continue
			}
			row.Found++
			name := r.Found.Outcome.Judgement.First().Invariant
			if !slices.Contains(row.Caught, name) {
				row.Caught = append(row.Caught, name)
			}
			checks, search, shrinking = append(checks, r.Checks), append(search, r.Found.After), append(shrinking, r.Found.Shrinking)
			s := SizeOf(r.Found.Outcome.Plan)
			row.Largest.Workspaces = max(row.Largest.Workspaces, s.Workspaces)
			row.Largest.FaultsAndActs = max(row.Largest.FaultsAndActs, s.FaultsAndActs)
			row.Largest.Preemptions = max(row.Largest.Preemptions, s.Preemptions)
		}
		row.Checks, row.Search, row.Shrink = median(checks), median(search), median(shrinking)
		rows = append(rows, row)
		l.Progress(fmt.Sprintf("%s: found with %d of %d seeds", d.Name, row.Found, l.Seeds))
	}
	return rows, nil
}

func median[T cmp.Ordered](v []T) T {
	var zero T
	if len(v) == 0 {
		return zero
	}
	slices.Sort(v)
	return v[len(v)/2]
}

// Write measures everything and writes it as a Markdown table. It reports whether every defect was found with every seed
// and the reference controller survived.
func (l Ledger) Write(ctx context.Context, w io.Writer) (bool, error) {
	rows, err := l.Defects(ctx)
	if err != nil {
		return false, err
	}
	good := true
	fmt.Fprintf(w, "| defect | caught by | found | checks | search | made small in | largest plan left |\n|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		good = good && r.Found == l.Seeds
		caught := ""
		for i, name := range r.Caught {
			if i > 0 {
				caught += ", "
			}
			caught += "`" + name + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %d of %d seeds | %d | %s | %s | %d workspaces, %d faults or acts, %d preemptions |\n",
			r.Defect.Name, caught, r.Found, l.Seeds, r.Checks, r.Search.Round(time.Millisecond), r.Shrink.Round(time.Millisecond),
			r.Largest.Workspaces, r.Largest.FaultsAndActs, r.Largest.Preemptions)
	}
	for _, s := range l.Sound {
		r, err := Checking{Target: sim.Reference(nil), Source: s.Source, Seed: 1, Checks: s.Checks}.Run(ctx)
		if err != nil || ctx.Err() != nil {
			return false, cmp.Or(err, ctx.Err())
		}
		caught := "nothing"
		if r.Found != nil {
			good, caught = false, "`"+r.Found.Outcome.Judgement.First().Invariant+"`"
		}
		fmt.Fprintf(w, "| none, on %s | %s | | %d | %s | | |\n", s.Source.Name(), caught, r.Checks, r.Wall.Round(time.Second))
		l.Progress(fmt.Sprintf("the reference controller on %s: %d checks, caught %s", s.Source.Name(), r.Checks, caught))
	}
	return good, nil
}
