package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootrace/bootrace/internal/await"
)

// An interrupted run ends by itself, says so in everything that it leaves, and takes its Postgres with it.
func TestInterruptedRun(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			dir, tmp := t.TempDir(), shortTemp(t)
			p := start(t, dir, tmp, "run", "--seed", "7", "--jobs", "1", "--postgres", "binaries")
			p.says("^  ✓ minimax-past-budget ")
			if runtime.GOOS == "linux" && len(leftovers(t, tmp)) < 2 {
				t.Error("the test would not see its Postgres")
			}
			p.signal(s)
			p.ends(exitInterrupted)
			p.says("^bootrace: stopping when the scenarios under way are over; a second signal ends it at once$")
			p.says(`^interrupted after \d+ of \d+ scenarios: the rest was not played$`)
			if left := leftovers(t, tmp); len(left) > 0 {
				t.Errorf("something is left:\n%s", strings.Join(left, "\n"))
			}
			latest := filepath.Join(dir, "runs", "latest")
			r, err := readRun(latest)
			if err != nil {
				t.Fatal(err)
			}
			if !r.Interrupted || len(r.Results) == 0 || len(r.Results) > 5 {
				t.Errorf("interrupted %v, after %d scenarios", r.Interrupted, len(r.Results))
			}
			if err := checkRun(latest); err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(filepath.Join(latest, "junit.xml")); err != nil || !strings.Contains(string(b), `type="interrupted"`) {
				t.Errorf("junit.xml does not say that the run was interrupted: %v", err)
			}
			if b, err := os.ReadFile(filepath.Join(latest, "summary.md")); err != nil || !strings.Contains(string(b), "**Interrupted") {
				t.Errorf("summary.md does not say that the run was interrupted: %v", err)
			}
			// What was played can be replayed, and judged; that proves no more than the run did.
			start(t, dir, tmp, "replay", "runs/latest").ends(exitHeld)
			start(t, dir, tmp, "judge", "runs/latest").ends(exitInterrupted)
		})
	}
}

// A signal that comes while Postgres is still being started is an interruption too, and no fault of the environment.
func TestInterruptedStart(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{0, 60 * time.Millisecond, 120 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			dir, tmp := t.TempDir(), shortTemp(t)
			p := start(t, dir, tmp, "run", "--seed", "7", "--jobs", "1", "--postgres", "binaries")
			await.Until(t, "Postgres being started", func() bool { return len(leftovers(t, tmp)) > 0 })
			time.Sleep(after) // sleeps: at whatever moment the signal comes then, the outcome is the same
			p.signal(syscall.SIGINT)
			p.ends(exitInterrupted)
			if left := leftovers(t, tmp); len(left) > 0 {
				t.Errorf("something is left:\n%s", strings.Join(left, "\n"))
			}
		})
	}
}

// A run that was killed leaves its cluster behind, and the next run removes it. What it has written is whole.
func TestKilledRun(t *testing.T) {
	t.Parallel()
	dir, tmp := t.TempDir(), shortTemp(t)
	p := start(t, dir, tmp, "run", "--seed", "7", "--jobs", "1", "--postgres", "binaries")
	p.says("^  ✓ minimax-past-budget ")
	p.signal(syscall.SIGKILL)
	p.ends(-1)
	if left := leftovers(t, tmp); len(left) == 0 {
		t.Error("a killed program cleaned up") // then this test shows nothing
	}

	folders, err := filepath.Glob(filepath.Join(dir, "runs", "*"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("the killed run left %q: %v", folders, err)
	}
	half := start(t, dir, tmp, "judge", folders[0])
	half.ends(exitUsage)
	half.says("is no run's folder")
	histories, err := filepath.Glob(filepath.Join(folders[0], "*", "history.ndjson"))
	if err != nil || len(histories) == 0 {
		t.Errorf("it left no history: %v", err)
	}
	for _, path := range histories {
		if b, err := os.ReadFile(path); err != nil || !strings.HasSuffix(string(b), "\"kind\":\"end\"}\n") {
			t.Errorf("%s is a half: %v", path, err)
		}
	}

	start(t, dir, tmp, "run", "--seed", "7", "--postgres", "binaries", "minimax-past-budget").ends(exitHeld)
	if left := leftovers(t, tmp); len(left) > 0 {
		t.Errorf("the next run did not clean up:\n%s", strings.Join(left, "\n"))
	}
	if err := checkRun(filepath.Join(dir, "runs", "latest")); err != nil {
		t.Error(err)
	}
}

// A second signal does not wait for anything.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	dir, tmp := t.TempDir(), shortTemp(t)
	scenario := filepath.Join(dir, "long.yaml")
	if err := os.WriteFile(scenario, []byte("name: long\nabout: It takes minutes.\nfleet: [{provider: kimi, count: 100}]\nduration: 200h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, dir, tmp, "run", "--seed", "7", "--store", "memory", scenario)
	p.says("^bootrace v.* memory store$")
	await.Until(t, "the run being under way", func() bool {
		runs, err := filepath.Glob(filepath.Join(dir, "runs", "*"))
		return err == nil && len(runs) > 0
	})
	p.signal(syscall.SIGINT)
	p.says("a second signal ends it at once$")
	for ended := false; !ended; { // the first one's handling may have a moment to go
		p.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-p.ended:
			ended = true
		case <-time.After(20 * time.Millisecond): // short: another signal is sent then
		}
	}
	if state, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !state.Signaled() || state.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %s", fmt.Sprint(p.cmd.ProcessState))
	}
}

// An interrupted live run ends at once, and takes every process of its with it.
func TestInterruptedLiveRun(t *testing.T) {
	t.Parallel()
	dir, tmp := t.TempDir(), shortTemp(t)
	p := start(t, dir, tmp, "run", "--world", "live", "--seed", "7", "--postgres", "binaries", "silence-at-the-sweep")
	p.says("world live, ")
	parts := func() int {
		lines, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.cmd.Process.Pid))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, path := range lines {
			if b, err := os.ReadFile(path); err == nil {
				n += len(strings.Fields(string(b)))
			}
		}
		return n
	}
	if runtime.GOOS == "linux" {
		await.Until(t, "the run's parts", func() bool { return parts() >= 10 })
	}
	began := time.Now()
	p.signal(syscall.SIGINT)
	p.ends(exitInterrupted)
	p.says("^bootrace: stopping$")
	if took := time.Since(began); took > await.Hang {
		t.Errorf("it took %s to stop", took)
	}
	if left := leftovers(t, tmp); len(left) > 0 {
		t.Errorf("something is left:\n%s", strings.Join(left, "\n"))
	}
}
