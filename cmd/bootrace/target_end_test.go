package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/internal/await"
)

// staging serves a controller of somebody else's in which somebody else has a workspace.
func staging(t *testing.T, b foreigntest.Behaviour) (*foreigntest.Server, string) {
	t.Helper()
	b.UnknownAccepted = true
	server, err := foreigntest.Start(foreigntest.Config{Behaviour: b, Times: foreigntest.Times{
		Budget: time.Second, ProvisionSweep: 200 * time.Millisecond, TTL: 4 * time.Second, ExternalTTL: 4 * time.Second, LivenessSweep: 200 * time.Millisecond,
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.Put("somebody's own", "online")
	file := filepath.Join(t.TempDir(), "staging.yaml")
	text := "name: staging\nurl: " + server.URL + "\ntoken: " + foreigntest.AdminToken + "\nbudget: {all: 1s}\nttl: 4s\nexternal_ttl: 4s\n" +
		"heartbeat: 300ms\nprovision_sweep: 200ms\nliveness_sweep: 200ms\npoll: 50ms\npatience: 5s\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return server, file
}

// only waits until nothing is left at the server but what is somebody else's.
func only(t *testing.T, server *foreigntest.Server) {
	t.Helper()
	if left := server.Left(); len(left) != 1 || left[0] != "somebody's own" {
		t.Errorf("left at the target: %v", left)
	}
}

// However a run against a target ends, nothing is left there, or it can be deleted by one command.
func TestTargetIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	for name, signals := range map[string][]syscall.Signal{
		"SIGINT twice": {syscall.SIGINT, syscall.SIGINT}, "SIGHUP": {syscall.SIGHUP}, "SIGTERM": {syscall.SIGTERM}, "a crash": {syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, file := staging(t, foreigntest.Behaviour{})
			dir := t.TempDir()
			p := start(t, dir, shortTemp(t), "run", "--target-file", file, "--seed", "7", "minimax-past-budget", "stray-agent")
			clean := p.says(`should it be killed: bootrace (target clean --run br[0-9a-f]{10} --target-file .*)$`)[1]
			await.Until(t, "workspaces, and a row that the target invents", func() bool {
				invented := false
				for _, name := range server.Left() {
					invented = invented || strings.Count(name, "-") == 4 && len(name) == 36
				}
				return invented
			})
			for _, s := range signals {
				p.signal(s)
			}
			<-p.ended
			if signals[0] != syscall.SIGKILL {
				p.ends(exitInterrupted)
				only(t, server)
				return
			}
			if left := server.Left(); len(left) < 2 {
				t.Fatalf("a crash leaves nothing: %v", left)
			}
			list := start(t, dir, shortTemp(t), "target", "clean", "--target-file", file)
			list.ends(exitHeld)
			mark := list.says(`^(br[0-9a-f]{10})  \d+ workspaces$`)[1]
			if !strings.Contains(clean, mark) {
				t.Errorf("the run is %s, and is to be deleted by %s", mark, clean)
			}
			again := start(t, dir, shortTemp(t), "target", "clean", "--run", "runs/latest", "--target-file", file)
			again.ends(exitHeld)
			again.says(`^deleted \d+ workspaces of run ` + mark + ` at staging$`)
			only(t, server)
		})
	}
}

// A target that is gone in the middle of a suite leaves what was judged before, and the suite can be gone on with.
func TestTargetThatDies(t *testing.T) {
	t.Parallel()
	server, file := staging(t, foreigntest.Behaviour{})
	dir := t.TempDir()
	p := start(t, dir, shortTemp(t), "run", "--target-file", file, "--seed", "7", "--jobs", "1", "left-alone", "hermes-slow-mirror", "dead-boot")
	p.says(`^  ✓ left-alone `)
	server.Die()
	p.ends(exitEnvironment)
	p.says(`^  \? hermes-slow-mirror `)
	p.says(`^  \? dead-boot `)
	p.says(`^bootrace: left at the target, \d+ workspaces:$`)
	p.says(`^bootrace target clean --run br[0-9a-f]{10} --target-file `)
	p.says(`^bootrace run --resume runs/\S+ and the same flags go on where it stopped$`)
	for _, name := range []string{"run.json", "junit.xml", "summary.md", "report.html"} {
		if _, err := os.Stat(filepath.Join(dir, "runs", "latest", name)); err != nil {
			t.Error(err)
		}
	}
	server.Live()
	clean := start(t, dir, shortTemp(t), "target", "clean", "--run", "runs/latest", "--target-file", file)
	clean.ends(exitHeld)
	only(t, server)
	again := start(t, dir, shortTemp(t), "run", "--target-file", file, "--resume", "runs/latest", "left-alone", "hermes-slow-mirror", "dead-boot")
	again.says(`^  ✓ hermes-slow-mirror `)
	again.says(`^  ✓ dead-boot `)
	again.says(`^0 violated · 3 held · 0 inconclusive`)
	again.ends(exitHeld)
	only(t, server)
}
