package harness_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// steadyFleet is the plan that speeds are quoted for: 10 workspaces that beat every 30 s through the real HTTP handlers,
// with every sweeper at work and no faults.
func steadyFleet(virtual time.Duration) *plan.Plan {
	p := &plan.Plan{Name: "steady-fleet", Seed: 7, Duration: plan.Duration(virtual), Controllers: 1}
	for i := range 10 {
		p.Workspaces = append(p.Workspaces, plan.Workspace{
			Name: fmt.Sprintf("kimi-%d", i+1), Group: "kimi", Provider: "kimi", Runtime: "claude-code",
			Boots: []plan.Boot{{
				ImagePull: plan.Duration(40 * time.Second), AgentStart: plan.Duration(15 * time.Second),
				Preflight: plan.Duration(30 * time.Second),
			}},
		})
	}
	return p
}

// BenchmarkSimulation plays the steady fleet, from an empty store to the judgement and the digest.
//
//	x-real-time    virtual time over wall time
//	ns/heartbeat   wall time for one heartbeat, everything included
func BenchmarkSimulation(b *testing.B) {
	for _, c := range []struct {
		source  stores.Source
		virtual time.Duration
	}{{stores.Memory(), 10 * time.Hour}, {onPostgres, 10 * time.Hour}} {
		b.Run(c.source.Name(), func(b *testing.B) {
			p := steadyFleet(c.virtual)
			beats := 0
			for b.Loop() {
				o := play(b, p, c.source, nil)
				if o.Judgement.Verdict != invariant.Held {
					b.Fatalf("%s: %v", o.Judgement.Verdict, o.Judgement.Violations())
				}
				beats = 0
				for i := range o.History.Events {
					if o.History.Events[i].Call == "heartbeat" {
						beats++
					}
				}
			}
			perRun := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(c.virtual.Seconds()/perRun, "x-real-time")
			b.ReportMetric(perRun*1e9/float64(beats), "ns/heartbeat")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRuns plays the seed's own scenario, from the plan to the judgement.
func BenchmarkRuns(b *testing.B) {
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		b.Fatal(err)
	}
	for _, source := range []stores.Source{stores.Memory(), onPostgres} {
		b.Run(source.Name(), func(b *testing.B) {
			seed := uint64(0)
			for b.Loop() {
				play(b, resolve(b, s, seed), source, nil)
				seed++
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkChecks draws plans and plays them against the reference controller, as bootrace check does.
//
//	checks/s             on one core
//	virtual-min/check    virtual time of a plan
func BenchmarkChecks(b *testing.B) {
	for _, c := range []struct {
		source stores.Source
		checks int
	}{{stores.Reusing(stores.Memory()), 2000}, {reusedPostgres, 60}} {
		b.Run(c.source.Name(), func(b *testing.B) {
			for b.Loop() {
				r, err := harness.Checking{Target: sim.Reference(nil), Source: c.source, Seed: 3, Checks: c.checks}.Run(context.Background())
				if err != nil || r.Found != nil {
					b.Fatal(err, r.Found)
				}
				b.ReportMetric(float64(r.Checks)/r.Wall.Seconds(), "checks/s")
				b.ReportMetric(r.Virtual.Minutes()/float64(r.Checks), "virtual-min/check")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkFind finds every named defect and makes the plan small.
//
//	s/found    from the first check to the small plan
func BenchmarkFind(b *testing.B) {
	for _, d := range defects.All() {
		b.Run(d.Name, func(b *testing.B) {
			seed := uint64(0)
			for b.Loop() {
				r, err := harness.Checking{Target: sim.Reference(d), Source: stores.Memory(), Seed: seed, For: time.Minute}.Run(context.Background())
				if err != nil || r.Found == nil {
					b.Fatal(err, "not found")
				}
				seed++
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/found")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkSeedDefectExplained goes from nothing, not even a Postgres, to the seed defect found and told.
func BenchmarkSeedDefectExplained(b *testing.B) {
	d, err := defects.Find("sticky-failed")
	if err != nil {
		b.Fatal(err)
	}
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		source, err := stores.Postgres(context.Background(), pgserver.Options{})
		if err != nil {
			b.Fatal(err)
		}
		o := harness.Play(context.Background(), resolve(b, s, 7), source, sim.Reference(d), nil)
		if e := invariant.Explain(o.Plan, o.History, o.Judgement.First()); e.Mechanism == "" {
			b.Fatal("found, and not told")
		}
		if err := source.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/explained")
	b.ReportMetric(0, "ns/op")
}
