package harness_test

import (
	"context"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// A clock that jumps by a day and back excuses nobody for a day: who is dead since is offline, and a boot that is dead since is failed,
// a stated time after the clock is right again.
func TestClockExcusesForAStatedTime(t *testing.T) {
	t.Parallel()
	const right = 6 * time.Minute // when the clock is
	for _, c := range []struct {
		name, fleet, dies string
		want              lifecycle.Status
		by                time.Duration
	}{
		{"silent", "{provider: kimi, boot: {total: 1m}}", "5m", lifecycle.Offline, right + 10*time.Minute + 3*time.Minute + 30*time.Second},
		{"dead boot", "{provider: kimi, create_at: 4m, boot: {total: 5m}}", "5m", lifecycle.Failed, right + 10*time.Minute + 10*time.Minute + time.Minute},
		{"external", "{provider: kimi, external: true, boot: {total: 1m}}", "", lifecycle.Online, 0},
	} {
		for _, by := range []string{"24h", "15m", "-24h", "1h"} {
			text := "name: jump\nabout: A clock jumps and comes back.\nduration: 45m\nfleet: [" + c.fleet + "]\n" +
				"faults:\n  - {kind: clock, from: 3m, until: 6m, by: " + by + "}\n"
			if c.dies != "" {
				text += "  - {kind: machine-death, from: " + c.dies + "}\n"
			}
			s, err := scenarios.Load("jump.yaml", []byte(text))
			if err != nil {
				t.Fatal(err)
			}
			for seed := range seeds(20, 3) {
				out := harness.Play(context.Background(), resolve(t, s, seed), stores.Memory(), sim.Reference(nil), nil)
				if out.Judgement.Verdict == invariant.Violated {
					t.Fatalf("%s, %s, seed %d: %v", c.name, by, seed, out.Judgement.Violations())
				}
				status, at := lastMove(out.History)
				if status != c.want || c.by > 0 && at > c.by {
					t.Errorf("%s, %s, seed %d: %s since %s", c.name, by, seed, status, at)
				}
			}
		}
	}
}

// lastMove is where the only workspace came last, and when.
func lastMove(h *history.History) (status lifecycle.Status, at time.Duration) {
	for _, e := range h.Events {
		if e.Kind == history.Move && e.To != status {
			status, at = e.To, e.At.D()
		}
	}
	return status, at
}
