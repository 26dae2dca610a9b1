package harness_test

import (
	"strings"
	"testing"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// With the controller's own EC2 client on EC2's wire the reference controller keeps every promise, too, and the same plan
// and seed take the same course.
func TestOnEC2(t *testing.T) {
	t.Parallel()
	for i, name := range []string{
		"cloud-throttling", "cloud-capacity", "cloud-lost-replies", "launch-refused", "machine-death", "delete-during-boot", "hibernate-and-wake",
		"two-replicas", "restart-during-boot",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 4)
			s, err := scenarios.Find(name)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range seeds(3, 1) {
				p := resolve(t, s, seed)
				p.Cloud = plan.EC2
				o := play(t, p, stores.Memory(), nil)
				if o.Judgement.Verdict != invariant.Held {
					t.Errorf("seed %d is %s: %v %v", seed, o.Judgement.Verdict, o.Judgement.Doubts, o.Judgement.Violations())
				}
				if again := play(t, p, stores.Memory(), nil); again.Digest != o.Digest {
					sameCourse(t, o, again)
					t.Errorf("seed %d took another course", seed)
				}
			}
		})
	}
}

// The client's errors are EC2's, and a launch whose reply was lost is one machine.
func TestEC2IsSpoken(t *testing.T) {
	t.Parallel()
	codes := map[string]string{
		"cloud-throttling": "RequestLimitExceeded", "cloud-capacity": "InsufficientInstanceCapacity", "launch-refused": "InvalidAMIID.NotFound",
	}
	for name, code := range codes {
		s, err := scenarios.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		p := resolve(t, s, 1)
		p.Cloud = plan.EC2
		found := false
		for _, e := range play(t, p, stores.Memory(), nil).History.Events {
			found = found || e.Kind == history.Cloud && strings.Contains(e.Err, code)
		}
		if !found {
			t.Errorf("%s: no call came back as %s", name, code)
		}
	}
}
