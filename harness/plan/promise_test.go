package plan_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// An act or a fault may be about any one workspace, and a run is long enough for what is promised of its end.
func TestOnlyAndOnlineBy(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Load("only.yaml", []byte(`
name: only
about: one of many
fleet:
  - {provider: kimi, count: 3}
  - {provider: openai, count: 3}
settings: {liveness_sweep_every: 20s, external_ttl: 2m, launch_batch: 2, sweep_batch: 3}
acts:
  - {at: 2m, do: restart, group: openai, only: 2}
  - {at: 3m, do: restart, only: 6}
faults:
  - {kind: partition, from: 1m, until: 2m, group: kimi, only: 3}
expect:
  never: [silence]
  at_most: {offline: 2}
  online_by: 50m
  groups:
    - {group: kimi, online_by: 2h}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Resolve(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Acts) != 2 || p.Acts[0].Workspace != 5 || p.Acts[1].Workspace != 6 || !slices.Equal(p.Faults[0].Workspaces, []int{3}) {
		t.Errorf("acts %+v, faults %+v", p.Acts, p.Faults)
	}
	if time.Duration(p.Duration) < 2*time.Hour {
		t.Errorf("the run ends at %s, before what is promised", time.Duration(p.Duration))
	}
	if c := p.Settings.Controller(); c.LivenessSweepEvery != 20*time.Second || c.ExternalTTL != 2*time.Minute || c.LaunchBatch != 2 || c.SweepBatch != 3 {
		t.Errorf("settings %+v", c)
	}
}
