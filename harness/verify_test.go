package harness_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
)

// This is all that it takes to check a controller of one's own.
func TestVerifyReference(t *testing.T) {
	t.Parallel()
	harness.Verify(t, sim.Target{Name: "my controller", Deploy: func() sim.Deployment {
		return sim.Deployment{
			Table: lifecycle.Standard(),
			Start: func(c controller.Config) (sim.Instance, error) {
				k, err := controller.New(c)
				if err != nil {
					return sim.Instance{}, err
				}
				return sim.Instance{Handler: k.Handler(), Ticks: k.Ticks()}, nil
			},
		}
	}})
}

const failEnv = "BOOTRACE_VERIFY_FAILS_IN"

// TestVerifyFails is run by TestVerifyTells in a process of its own.
func TestVerifyFails(t *testing.T) {
	folder := os.Getenv(failEnv)
	if folder == "" {
		t.Skip("only TestVerifyTells runs this: it fails on purpose")
	}
	harness.Verify(t, sim.Reference(defect(t, "sticky-failed")), harness.KeepIn(folder))
}

func TestVerifyTells(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c := exec.Command(os.Args[0], "-test.run=^TestVerifyFails$", "-rapid.nofailfile")
	c.Env = append(os.Environ(), failEnv+"="+folder)
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("a defect passed:\n%s", out)
	}
	for _, want := range []string{
		"violated converges", "VIOLATED converges", "no transition out of it", "as a scenario, for seed", "fleet:", "kept in " + folder,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the log lacks %q:\n%s", want, out)
		}
	}
	r, err := runs.Load(filepath.Join(folder, "latest"))
	if err != nil || len(r.Results[0].Plan.Workspaces) != 1 {
		t.Errorf("what is kept is not small: %+v, %v", r, err)
	}
}

// A controller that differs from the contract on purpose says so, and passes.
func TestVerifyByPolicies(t *testing.T) {
	t.Parallel()
	sampled(t, 1, 2)
	p := contract.Policies{ReapsFailed: true, LaunchQuota: 2}
	harness.Verify(t, differing(p), harness.WithPolicies(p))
}
