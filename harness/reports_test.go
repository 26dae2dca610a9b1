package harness_test

import (
	"slices"
	"testing"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// reported are situations from reports about other controllers: which scenario has each, and which defect is found in it.
var reported = []struct{ situation, scenario, defect string }{
	{"late success after the timeout", "minimax-past-budget", "sticky-failed"},
	{"failover of the controller", "silence-during-crash", "lost-expiry"},
	{"a controller that starts again and again", "rolling-updates", "budget-from-restart"},
	{"jump of its clock", "clock-jump", "sticky-failed"},
	{"the same name again", "same-name-again", "name-taken"},
	{"a lease that outlives the deletion", "delete-during-boot", "register-after-delete"},
	{"crash after the launch", "crash-after-launch", "token-per-attempt"},
	{"client token of a machine that has ended", "restart-during-boot", "token-of-the-dead"},
	{"slow boots are restarted unasked", "left-alone", "unasked-restart"},
	{"a stop that does not stop", "deaf-agents", "stop-ignores-5xx"},
	{"delete refused while it starts", "delete-during-boot", "refused-delete"},
	{"deleted twice", "same-name-again", "delete-again"},
	{"a restart taken for a first register", "machine-death", "restart-token-lockout"},
	{"an error read as gone", "doubtful-cloud", "describe-is-death"},
	{"a list that lags kills the living", "doubtful-cloud", "unlisted-is-death"},
	{"a start that did not take", "cloud-throttling", "trusted-launch"},
	{"retries past the deadline", "launch-refused", "dead-context-fail"},
	{"all connect again at once", "mass-reconnect", "nat-throttle"},
	{"end of spot machines", "spot-end", "lost-expiry"},
	{"the active are scaled down", "left-alone", "scale-down-active"},
	{"a page that never comes to the end of the table", "beyond-the-first-page", "starving-batch"},
}

// Each situation is played with a controller that has the defect, in which it is found and blamed, and with the reference, which holds.
func TestReportedSituations(t *testing.T) {
	t.Parallel()
	for _, c := range reported {
		t.Run(c.situation, func(t *testing.T) {
			t.Parallel()
			s, err := scenarios.Find(c.scenario)
			if err != nil {
				t.Fatal(err)
			}
			d := defect(t, c.defect)
			for seed := range seeds(3, 1) {
				p := resolve(t, s, seed)
				o := play(t, p, stores.Memory(), d)
				if x := o.Judgement.First(); x == nil {
					t.Errorf("seed %d: %s is not found", seed, c.defect)
				} else if x.Invariant != d.Breaks && !slices.Contains(d.Also, x.Invariant) {
					t.Errorf("seed %d: %s is blamed for %s: %s", seed, c.defect, x.Invariant, x.What)
				}
				if o := play(t, p, stores.Memory(), nil); o.Judgement.Verdict != invariant.Held {
					t.Errorf("seed %d: the reference is %s: %v %v", seed, o.Judgement.Verdict, o.Judgement.Doubts, o.Judgement.Violations())
				}
			}
		})
	}
}
