package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/stores"
)

type defectsCmd struct {
	Measure bool          `help:"Search for each defect and print the ledger as a Markdown table: what finds it, after how long, and how small its plan gets. Takes minutes."`
	Seeds   int           `default:"5" help:"Number of searches for each defect."`
	For     time.Duration `default:"60s" help:"Time limit of one search."`
	Sound   int           `default:"100000" help:"Number of checks of the reference controller itself in memory; a hundredth of them on Postgres."`
}

// Run implements the command.
func (c *defectsCmd) Run(ctx context.Context, s streams) error {
	if c.Measure {
		return c.measure(ctx, s)
	}
	l := list{}
	for _, d := range defects.All() {
		l.add(d.Name, fmt.Sprintf("breaks %s (%s)", d.Breaks, d.Evidence), d.Mechanism)
	}
	return l.write(s.out)
}

func (c *defectsCmd) measure(ctx context.Context, s streams) error {
	postgres, err := storeFlags{Store: "postgres", Postgres: "auto"}.open(ctx, s)
	if err != nil {
		return err
	}
	postgres = stores.Reusing(postgres)
	defer postgres.Close() //nolint:errcheck // nothing is left to be done about it
	fmt.Fprintf(s.out, "Measured on %s with bootrace %s, %s, %d cores; the default portfolio of strategies; checks and times are medians of %d "+
		"seeds. The largest plan left is workspaces + faults or acts + preemptions. What cannot show in a small world is explored in one "+
		"that is exhausted.\n\n",
		time.Now().UTC().Format("2006-01-02"), version(), runtime.Version(), runtime.NumCPU(), c.Seeds)
	good, err := harness.Ledger{
		Seeds: c.Seeds, For: c.For, Jobs: runtime.NumCPU(), Sound: []harness.SoundChecks{{Source: stores.Memory(), Checks: c.Sound}, {Source: postgres, Checks: c.Sound / 100}},
		Progress: func(line string) { fmt.Fprintln(s.err, line) },
	}.Write(ctx, s.out)
	switch {
	case ctx.Err() != nil:
		return interrupted()
	case err != nil:
		return environment(err)
	case !good:
		return exitError{code: exitViolated, err: errors.New("a defect was missed, or the reference controller was caught")}
	}
	return nil
}

// findDefect returns the defect that a flag names, and nil where it names none.
func findDefect(name string) (*defects.Defect, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no defect is the reference controller as it is
	}
	return defects.Find(name)
}
