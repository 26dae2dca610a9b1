package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sched"
)

// inProcess carries out a command line in this process.
func inProcess(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(args, streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

// Whatever a command starts has ended when it has. (It is not parallel: it looks at all goroutines of the process.)
func TestNothingRunsOn(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	defer sched.Release()
	kept := filepath.Join(t.TempDir(), "runs")
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitHeld, []string{"version"}},
		{exitUsage, []string{"nothing"}},
		{exitHeld, []string{"doctor"}},
		{exitHeld, []string{"run", "--out", kept, "--seed", "7", "dead-boot", "minimax-past-budget"}},
		{exitHeld, []string{"replay", filepath.Join(kept, "latest")}},
		{exitHeld, []string{"replay", "--store", "postgres", filepath.Join(kept, "latest")}},
		{exitHeld, []string{"judge", filepath.Join(kept, "latest")}},
		{exitEnvironment, []string{"run", "--out", kept, "--database-url", "postgres://127.0.0.1:1/none"}},
		{exitEnvironment, []string{"controller", "--listen", "256.0.0.1:0"}},
		{exitUsage, []string{"controller", "--listen", "127.0.0.1:0", "--provision-timeout-seconds", "-1"}},
		{exitEnvironment, []string{"fakeprovider", "--listen", "127.0.0.1:0", "--llm-listen", "256.0.0.1:0"}},
		{exitUsage, []string{"fakeprovider", "--listen", "127.0.0.1:0", "--speed", "-1"}},
		{exitUsage, []string{"fakeprovider", "--listen", "127.0.0.1:0", "--machine-boot", "-1s"}},
	} {
		if code, out, err := inProcess(c.args...); code != c.code {
			t.Errorf("%q ended with %d, not %d:\n%s%s", c.args, code, c.code, out, err)
		}
	}
}

func TestVerdictIsTheExitCode(t *testing.T) {
	t.Parallel()
	of := func(verdicts ...invariant.Verdict) []*runs.Result {
		var all []*runs.Result
		for _, v := range verdicts {
			all = append(all, &runs.Result{Verdict: v})
		}
		return all
	}
	fault := &runs.Result{Verdict: invariant.Inconclusive, Fault: "the database went away"}
	for name, c := range map[string]struct {
		run  runs.Run
		code int
	}{
		"held":                 {runs.Run{Verdict: invariant.Held, Results: of(invariant.Held)}, exitHeld},
		"violated":             {runs.Run{Verdict: invariant.Violated, Results: of(invariant.Held, invariant.Violated)}, exitViolated},
		"inconclusive":         {runs.Run{Verdict: invariant.Inconclusive, Results: of(invariant.Inconclusive)}, exitInconclusive},
		"fault":                {runs.Run{Verdict: invariant.Inconclusive, Results: append(of(invariant.Inconclusive), fault)}, exitEnvironment},
		"violated and a fault": {runs.Run{Verdict: invariant.Violated, Results: append(of(invariant.Violated), fault)}, exitViolated},
		"interrupted":          {runs.Run{Interrupted: true, Verdict: invariant.Violated, Results: of(invariant.Violated)}, exitInterrupted},
		"nothing played":       {runs.Run{Interrupted: true, Verdict: invariant.Inconclusive}, exitInterrupted},
	} {
		if code := codeOf(verdict(&c.run), streams{err: &bytes.Buffer{}}); code != c.code {
			t.Errorf("%s ends with %d, not %d", name, code, c.code)
		}
	}
}

func TestErrorsAreLaidOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{errors.New("nobody knows"), exitEnvironment, "bootrace: nobody knows\n"},
		{exitError{code: exitViolated}, exitViolated, ""},
		{fmt.Errorf("wrapped: %w", usage(errors.New("bad"))), exitUsage, "bootrace: bad\n"},
		{usage(errors.New("first\nsecond\n   third\n")), exitUsage, "bootrace: first\n  second\n   third\n"},
		{exitError{code: exitUsage, err: errors.New("bad"), hint: "look there"}, exitUsage, "bootrace: bad\nlook there\n"},
		{
			usage(errors.New(strings.Repeat("word ", 40))), exitUsage,
			"bootrace:" + strings.Repeat(" word", 20) + "\n  " + strings.TrimSpace(strings.Repeat("word ", 20)) + "\n",
		},
	} {
		var b bytes.Buffer
		if code := codeOf(c.err, streams{err: &b}); code != c.code || b.String() != c.want {
			t.Errorf("%v: %d\n%q, not\n%q", c.err, code, b.String(), c.want)
		}
	}
}

// failing is a writer that fails.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestOutputThatFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	for name, c := range map[string]struct {
		write, command error
		code           int
		stopped        bool
		says           string
	}{
		"nobody reads":               {syscall.EPIPE, nil, exitInterrupted, true, ""},
		"nobody reads of the error":  {syscall.EPIPE, syscall.EPIPE, exitInterrupted, true, ""},
		"nobody reads of a run":      {syscall.EPIPE, exitError{code: exitViolated}, exitViolated, true, ""},
		"full":                       {full, nil, exitEnvironment, false, "bootrace: writing the output: no space left\n"},
		"full, said by the command":  {full, full, exitEnvironment, false, "bootrace: writing the output: no space left\n"},
		"full, and a run that fails": {full, exitError{code: exitViolated}, exitViolated, false, ""},
	} {
		stopped := false
		o := output{to: failing{c.write}, broken: func() { stopped = true }}
		for range 2 {
			fmt.Fprint(&o, "text")
		}
		var b bytes.Buffer
		if code := codeOf(o.judge(c.command), streams{err: &b}); code != c.code || stopped != c.stopped || b.String() != c.says {
			t.Errorf("%s: %d, stopped %v, %q", name, code, stopped, b.String())
		}
	}
	if o := (output{to: &bytes.Buffer{}}); o.judge(nil) != nil {
		t.Error("an output that was written fails")
	}
}

func TestColorfulIsForTerminals(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if colorful(file) {
		t.Error("a file is no terminal")
	}
	terminal := openTerminal(t)
	if !colorful(terminal) {
		t.Error("a terminal is one")
	}
	t.Setenv("NO_COLOR", "1")
	if colorful(terminal) {
		t.Error("NO_COLOR is set")
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if colorful(terminal) {
		t.Error("the terminal is dumb")
	}
}

// openTerminal opens a new pseudo-terminal. Its other end has no name yet, which does not matter: nothing is written.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestGist(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ about, want string }{
		{"One sentence.", "One sentence"},
		{"A first sentence that says what this is about, at length. A second.", "A first sentence that says what this is about, at length"},
		{"A title. What it is\nabout. More.", "A title. What it is about"},
		{"A title. What it is about.", "A title. What it is about"},
		{"no stop at all", "no stop at all"},
	} {
		if got := gist(c.about); got != c.want {
			t.Errorf("%q: %q, not %q", c.about, got, c.want)
		}
	}
}
