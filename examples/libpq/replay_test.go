package libpq_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/examples/libpq"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/runs"
)

const envFind = "BOOTRACE_TEST_FIND"

// TestFinds is run by TestSearchFindsTheSeed alone: it fails.
func TestFinds(t *testing.T) {
	if os.Getenv(envFind) == "" {
		return
	}
	harness.Verify(t, target(libpq.Bugs{StickyFailed: true}).For(t))
}

// TestSearchFindsTheSeed puts the mistake back that this project is about. Generated plans must find it, name the sweep, and keep it; by
// the command that the run names it takes the same course again.
func TestSearchFindsTheSeed(t *testing.T) {
	folder := t.TempDir()
	out := failing(t, "-rapid.checks=40", "-rapid.shrinktime=1ms", "-bootrace.keep="+folder)
	all, _ := filepath.Glob(filepath.Join(folder, "*", "run.json"))
	if len(all) == 0 {
		t.Fatalf("nothing was kept:\n%s", out)
	}
	kept, err := runs.Load(filepath.Dir(all[0]))
	if err != nil {
		t.Fatal(err)
	}
	if want := "go test github.com/bootrace/bootrace/examples/libpq -run '^TestFinds$' -bootrace.replay="; kept.Test != want {
		t.Errorf("the run names the command %q, want %q", kept.Test, want)
	}
	if x := kept.Results[0]; x.First.Invariant != "converges" || !strings.Contains(x.Explanation.Mechanism, "sweepBoots") ||
		!strings.Contains(x.Explanation.Mechanism, "update workspaces set status = 'failed'") {
		t.Errorf("%s: %s", x.First.Invariant, x.Explanation.Mechanism)
	}
	out = failing(t, "-bootrace.replay="+kept.Folder())
	if !strings.Contains(out, "digest "+kept.Results[0].Digest+": the same as kept") || !regexp.MustCompile("violated "+kept.Results[0].First.Invariant).MatchString(out) {
		t.Errorf("played again:\n%s", out)
	}
}

// failing runs TestFinds, which is to fail, and returns what it says.
func failing(t *testing.T, args ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], append([]string{"-test.run", "^TestFinds$", "-test.v", "-rapid.nofailfile"}, args...)...)
	c.Env = append(os.Environ(), envFind+"=1")
	out, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("%v does not fail:\n%s", args, out)
	}
	return string(out)
}
