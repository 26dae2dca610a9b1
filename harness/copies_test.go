package harness_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// What the answer of one copy of a request says is not what another copy of it did, and what a call stored may be long past when it
// is answered: the reference controller is accused of neither. Each scenario was violated with most seeds.
func TestAnswersOfOtherCopiesAccuseNobody(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"tasks":    heartbeatsCopied(6),
		"no tasks": heartbeatsCopied(8),
		"resumed meanwhile": `
fleet: [{name: ext, provider: kimi, external: true, boot: {total: 1m}}]
acts: [{at: 5m25s, do: pause}, {at: 5m36s, do: resume}]
faults: [{kind: stall, from: 5m20s, until: 5m35s, calls: [heartbeat], delay: 8s, when: after}]
`,
	} {
		s, err := scenarios.Load("copies.yaml", []byte("name: copies\nabout: What answers do not say.\nduration: 12m\n"+text))
		if err != nil {
			t.Fatal(err)
		}
		for seed := range seeds(40, 5) {
			o := harness.Play(context.Background(), resolve(t, s, seed), stores.Memory(), sim.Reference(nil), nil)
			if o.Fault != nil || o.Judgement.Verdict == invariant.Violated {
				t.Errorf("%s, seed %d: %v %v", name, seed, o.Fault, o.Judgement.Violations())
				break
			}
		}
	}
}

// heartbeatsCopied has the reply to a heartbeat of the minute get lost, a copy of it be stored after the next one, and the controller
// die before it answers that. Then the workspace is hibernated, unless it is busy: whether it is, both heartbeats say.
func heartbeatsCopied(minute int) string {
	return fmt.Sprintf(`
fleet: [{name: a, provider: kimi, boot: {total: 1m}}]
acts: [{at: %[2]dm36s, do: hibernate-idle}]
faults:
  - {kind: lose-reply, from: %[1]dm30s, until: %[1]dm50s, calls: [heartbeat]}
  - {kind: duplicate, from: %[1]dm30s, until: %[1]dm50s, calls: [heartbeat], delay: 45s}
  - {kind: stall, from: %[2]dm18s, until: %[2]dm23s, calls: [heartbeat], delay: 45s, when: after}
  - {kind: crash, from: %[2]dm30s, delay: 3s}
expect: {refused: [hibernate-idle]}
`, minute, minute+1)
}
