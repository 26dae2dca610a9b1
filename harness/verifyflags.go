package harness

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
)

// Flags of tests that call [Verify].
var (
	keepFlag   = testFlag("keep", "keep what is found as a run in a folder below this one")
	replayFlag = testFlag("replay", "play the run in this folder again, and nothing else")
)

// testFlag is a flag of test binaries; no other program has it.
func testFlag(name, usage string) *string {
	if !testing.Testing() {
		return new(string)
	}
	return flag.String("bootrace."+name, "", usage)
}

// testCommand is the command that runs the test with the replay flag, up to the flag's value.
func testCommand(t *testing.T) string {
	t.Helper()
	pkg := "."
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if strings.HasPrefix(f.Function, "testing.") {
			break
		}
		folder := f.Function[:strings.LastIndexByte(f.Function, '/')+1]
		last, _, _ := strings.Cut(f.Function[len(folder):], ".")
		pkg = folder + strings.TrimSuffix(last, "_test")
	}
	return fmt.Sprintf("go test %s -run '^%s$' -bootrace.replay=", pkg, strings.ReplaceAll(t.Name(), "/", "$/^"))
}

// replay plays what was kept again. The test fails where it takes another course, and where it is violated again.
func (v *verifying) replay(t *testing.T, target sim.Target, folder string) {
	t.Helper()
	kept, err := runs.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range kept.Results {
		o := Play(context.Background(), x.Plan, v.source, target, nil)
		switch {
		case o.Fault != nil:
			t.Fatal(o.Fault)
		case o.Digest != x.Digest:
			h, err := kept.History(x)
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("%s took another course than the kept run: %s", x.Scenario, runs.Parting(h, o.History))
			continue
		}
		t.Logf("%s: digest %s: the same as kept", x.Scenario, o.Digest)
		if first := o.Judgement.First(); first != nil {
			t.Errorf("violated %s: %s", first.Invariant, invariant.Explain(o.Plan, o.History, first).Mechanism)
		}
	}
}

// absolute is the folder as one names it from anywhere.
func absolute(folder string) string {
	if all, err := filepath.Abs(folder); err == nil {
		return all
	}
	return folder
}
