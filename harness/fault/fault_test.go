package fault_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
)

type world struct{ struck int }

func (*world) Now() time.Duration                     { return time.Second }
func (*world) Choose(_ oracle.Point, _ uint64) uint64 { return 0 }
func (w *world) Struck(_ *fault.Fault, _ int)         { w.struck++ }

// What was written when the launcher still asked two questions strikes the one that it asks now, and is kept as written.
func TestFormerNamesOfCalls(t *testing.T) {
	t.Parallel()
	written := []plan.Fault{{Kind: "store-error", Calls: []string{"heartbeat", "unwanted_machines"}}}
	w := &world{}
	s := fault.NewSet(w, written)
	for op, want := range map[string]bool{"claim_launches": true, "heartbeat": true, "apply": false} {
		if got := s.StoreFails(1, op, false); got != want {
			t.Errorf("%s fails: %v", op, got)
		}
	}
	if w.struck != 2 {
		t.Errorf("it struck %d times", w.struck)
	}
	if !slices.Equal(written[0].Calls, []string{"heartbeat", "unwanted_machines"}) {
		t.Errorf("the plan now says %v", written[0].Calls)
	}
}
