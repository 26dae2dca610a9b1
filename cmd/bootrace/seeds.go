package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
)

// fileRates is where a run's folder keeps the rates that it is an example of.
const fileRates = "rates.json"

// ratesFile is what it holds.
type ratesFile struct {
	First  uint64         `json:"first_seed"`
	Seeds  int            `json:"seeds"`
	Defect string         `json:"defect,omitempty"`
	Rates  []rateOfSeries `json:"scenarios"`
}

type rateOfSeries struct {
	harness.Rate
	Low      float64           `json:"violated_low"`  // the 95 % interval of the rate of violation
	High     float64           `json:"violated_high"` // likewise
	ToOnline map[string]string `json:"to_online,omitempty"`
	Margin   map[string]string `json:"margin,omitempty"`
}

// seeds plays every scenario with many seeds, tells how often each promise breaks, and keeps the smallest seed of every cause as a run.
func (c *runCmd) seeds(ctx context.Context, s streams, defect *defects.Defect, began time.Time) error {
	list, err := find(c.Scenarios)
	if err != nil {
		return usage(err)
	}
	first := uint64(1)
	if c.Seed != nil {
		first = *c.Seed
	}
	source, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	source = stores.Reusing(source)
	defer source.Close() //nolint:errcheck // closed below where it matters
	t := terminal(s, c.All, nil)
	t.Header(version(), first, runs.Simulated, source.Describe(), c.Defect)
	progress := reports.Progress{W: s.err, Live: s.liveErr}
	told := time.Now()
	sampling := harness.Sampling{
		Scenarios: list, First: first, Seeds: *c.Seeds, Target: sim.Reference(defect), Source: source, Cloud: plansCloud(c.Cloud),
		Jobs: c.jobs(runtime.NumCPU()), Progress: func(played, all int) {
			if time.Since(told) > time.Second/2 {
				told = time.Now()
				progress.Line(fmt.Sprintf("%d of %d played, %.0f a second", played, all, float64(played)/time.Since(began).Seconds()))
			}
		},
	}
	rates, err := sampling.Run(ctx)
	progress.End()
	if err != nil && ctx.Err() == nil {
		return environment(err)
	}
	for i := range rates {
		c.rate(s, &rates[i])
	}
	if ctx.Err() != nil {
		fmt.Fprintf(s.out, "interrupted before every seed was played; nothing is kept\n")
		return interrupted()
	}
	if err := c.keepRates(ctx, s, source, defect, rates, first, began); err != nil {
		return err
	}
	if err := source.Close(); err != nil {
		return environment(fmt.Errorf("cleaning up: %w", err))
	}
	return verdictOfRates(rates)
}

func verdictOfRates(rates []harness.Rate) error {
	code := exitHeld
	for _, r := range rates {
		switch {
		case r.Violated > 0:
			return exitError{code: exitViolated}
		case r.Inconclusive > 0:
			code = exitInconclusive
		}
	}
	if code != exitHeld {
		return exitError{code: code}
	}
	return nil
}

// shares are the quantiles that are told of times.
var shares = []struct {
	name  string
	share float64
}{{"p1", 0.01}, {"p10", 0.10}, {"p50", 0.50}, {"p90", 0.90}, {"p99", 0.99}, {"max", 1}}

func quantiles(sorted []time.Duration) map[string]string {
	if len(sorted) == 0 {
		return nil
	}
	all := map[string]string{}
	for _, q := range shares {
		all[q.name] = harness.Quantile(sorted, q.share).Round(time.Second).String()
	}
	return all
}

func quantileText(sorted []time.Duration) string {
	q := quantiles(sorted)
	var parts []string
	for _, x := range shares {
		parts = append(parts, x.name+" "+q[x.name])
	}
	return strings.Join(parts, " · ")
}

// rate tells of one scenario.
func (c *runCmd) rate(s streams, r *harness.Rate) {
	fmt.Fprintf(s.out, "%s: violated %d of %d seeds (%s)", r.Scenario, r.Violated, r.Seeds, share(r.Violated, r.Seeds))
	if r.Inconclusive > 0 {
		fmt.Fprintf(s.out, ", inconclusive %d", r.Inconclusive)
	}
	fmt.Fprintln(s.out)
	if len(r.ToOnline) > 0 {
		fmt.Fprintf(s.out, "    boots to online   %s (%d boots)\n", quantileText(r.ToOnline), len(r.ToOnline))
	}
	if len(r.Margin) > 0 {
		fmt.Fprintf(s.out, "    left of budgets   %s\n", quantileText(r.Margin))
	}
	for _, x := range r.Causes {
		fmt.Fprintf(s.out, "    %d × %s\n        such as seed %d: %s\n", x.Seeds, x.Fingerprint, x.Smallest, x.What)
	}
}

// share is which share of all n are, with the interval of a rate of which that is a sample.
func share(n, all int) string {
	low, high := harness.Interval(n, all)
	return fmt.Sprintf("%s, 95 %% interval %s–%s", percent(float64(n)/float64(max(all, 1))), strings.TrimSuffix(percent(low), " %"), percent(high))
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }

// keepRates keeps the smallest seed of every cause, with its story, and the rates beside them.
func (c *runCmd) keepRates(ctx context.Context, s streams, source stores.Source, defect *defects.Defect, rates []harness.Rate, first uint64, began time.Time) error {
	var plans []*plan.Plan
	file := ratesFile{First: first, Seeds: *c.Seeds, Defect: c.Defect}
	for _, r := range rates {
		low, high := harness.Interval(r.Violated, r.Seeds)
		file.Rates = append(file.Rates, rateOfSeries{r, low, high, quantiles(r.ToOnline), quantiles(r.Margin)})
		for i, x := range r.Causes {
			if p := x.Plan.Clone(); i == 0 {
				plans = append(plans, p)
			} else {
				p.Name = fmt.Sprintf("%s-seed-%d", p.Name, x.Smallest) // each has a folder of its own
				plans = append(plans, p)
			}
		}
	}
	if len(plans) == 0 {
		fmt.Fprintf(s.out, "\nno seed violates a promise, so that nothing is kept\n")
		return nil
	}
	fmt.Fprintf(s.out, "\nthe smallest seed of each cause:\n")
	suite := harness.Suite{
		Plans: plans, Source: source, Defect: defect, Seed: first, Version: version(), Began: began, Parent: c.Out, Jobs: c.jobs(runtime.NumCPU()),
	}
	t := terminal(s, c.All, plans)
	suite.Progress = t.Result
	run, err := suite.Run(ctx)
	if err != nil {
		return environment(err)
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err := errors.Join(err, reports.Write(run), runs.WriteFile(filepath.Join(run.Folder(), fileRates), append(text, '\n'))); err != nil {
		return environment(err)
	}
	t.Summary(run)
	t.Kept(run)
	return nil
}
