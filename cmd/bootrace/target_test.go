package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/runs"
)

// somebodys serves a controller as somebody else would, with times that a run takes seconds with.
func somebodys(t *testing.T, defect string) string {
	t.Helper()
	d, err := defects.Find(defect)
	if err != nil {
		t.Fatal(err)
	}
	built, err := defects.Build(d, defects.NewShared().Replica(time.Now()), controller.Config{
		Store: memory.New(d.Lifecycle(lifecycle.Standard()), nil), AdminToken: "s3cret",
		Settings: controller.Settings{
			ProvisionTimeout: time.Second, ProvisionSweepEvery: 200 * time.Millisecond, LivenessTTL: 2 * time.Second,
			LivenessSweepEvery: 200 * time.Millisecond,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(built.Handler)
	ctx, stop := context.WithCancel(context.Background())
	var ticks sync.WaitGroup
	for _, tick := range built.Ticks {
		ticks.Go(func() {
			for ctx.Err() == nil {
				tick.Run(ctx)
				select {
				case <-ctx.Done():
				case <-time.After(tick.Every):
				}
			}
		})
	}
	t.Cleanup(func() {
		stop()
		ticks.Wait()
		server.Close()
	})
	return server.URL
}

// invoke runs a command line.
func invoke(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(args, streams{out: &o, err: &e})
	return code, o.String(), e.String()
}

func says(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile("(?m)" + p).MatchString(text) {
			t.Errorf("it does not say %s:\n%s", p, text)
		}
	}
}

// TestTarget tries a controller of somebody else's that is as molecule-core was before its fix, and replays what it did.
func TestTarget(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "staging.yaml")
	text := "name: staging\nurl: " + somebodys(t, "sticky-failed") + "\ntoken: s3cret\nbudget: {all: 1s}\nttl: 2s\n" +
		"heartbeat: 300ms\nprovision_sweep: 200ms\nliveness_sweep: 200ms\npoll: 50ms\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(dir, "runs")
	code, out, stderr := invoke("run", "--target-file", file, "--seed", "7", "--out", kept, "minimax-past-budget", "two-replicas")
	if code != exitViolated || stderr != "" {
		t.Fatalf("exit code %d: %s%s", code, out, stderr)
	}
	// A machine that lost most of its time cannot say that converges was kept waiting. That the replies have no legal order has no time.
	blamed, mechanism, reproduces := "converges", "The provision-timeout sweeper gave up ",
		`^      sim, of the reference controller with the defect sticky-failed, reproduces converges with 5 of 5 seeds$`
	if strings.Contains(out, "VIOLATED linearizable") {
		blamed, mechanism, reproduces = "linearizable", "Its replies have no legal order", "no named defect shows it by the same mechanism"
	}
	says(t, out, `world target · staging \(molecule wire\) · agents booted by the harness · budget 1s, swept every 200ms`,
		`^  – two-replicas$`, `left out: it needs several replicas`,
		`^  minimax-past-budget +takes 1\ds$`, `^1 scenario, 1 at a time: 1\ds`,
		`^  ✗ minimax-past-budget `, `^      violated: `+blamed+` \([1-5] of 10, all minimax\)`,
		`^      not judged: .*legal-edges.*: this target does not show move`, `^VIOLATED `+blamed+` · minimax-past-budget`,
		`mechanism  `+mechanism, `^  replay     bootrace replay `)
	if strings.Contains(out, "virtual") {
		t.Errorf("it speaks of virtual time:\n%s", out)
	}
	summary, err := os.ReadFile(filepath.Join(kept, "latest", "summary.md"))
	if err != nil {
		t.Fatal(err)
	}
	says(t, string(summary), "target `staging`", `^### Not judged$`, `^### Left out$`)
	loaded, err := runs.Load(filepath.Join(kept, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if loaded.Target != "staging" || strings.Contains(string(summary), "s3cret") {
		t.Errorf("kept as a run of %q", loaded.Target)
	}

	code, out, stderr = invoke("judge", filepath.Join(kept, "latest"))
	if code != exitViolated || stderr != "" {
		t.Errorf("judged again, exit code %d: %s%s", code, out, stderr)
	}
	code, out, stderr = invoke("replay", filepath.Join(kept, "latest"), "--out", filepath.Join(dir, "sim"))
	if code != exitInconclusive || stderr != "" {
		t.Errorf("replayed, exit code %d: %s%s", code, out, stderr)
	}
	says(t, out, `^  minimax-past-budget: sim does not reproduce `+blamed+`: with none of 20 seeds$`, reproduces)
}

// organised serves a controller in its multi-tenant mode.
func organised(t *testing.T) string {
	t.Helper()
	server, err := foreigntest.Start(foreigntest.Config{Behaviour: foreigntest.Behaviour{NeedsOrg: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server.URL
}

// TestTargetWhoseTimesLeaveNoRace says so before anything is played, and keeps the run as inconclusive.
func TestTargetWhoseTimesLeaveNoRace(t *testing.T) {
	t.Parallel()
	server, err := foreigntest.Start(foreigntest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	dir := t.TempDir()
	mine := filepath.Join(dir, "boot-after-partition.yaml")
	text := "name: boot-after-partition\nabout: a boot that ends after a partition\nfleet:\n" +
		"  - {name: up, provider: kimi, boot: {total: 2m}}\n  - {name: slow, provider: kimi, boot: {total: 9m}}\n" +
		"faults:\n  - {kind: partition, from: 3m, until: 8m}\n"
	if err := os.WriteFile(mine, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, stderr := invoke("run", "--target", server.URL, "--token", foreigntest.AdminToken, "--budget", "5s", "--out", dir, mine)
	if code != exitInconclusive || len(server.Moves()) > 0 {
		t.Errorf("exit code %d, %d moves at the target: %s", code, len(server.Moves()), stderr)
	}
	says(t, out, "boot-after-partition", "its race cannot take place with these times", "0 violated · 0 held · 1 inconclusive")
	kept, err := runs.Load(filepath.Join(dir, "latest"))
	if err != nil {
		t.Fatal(err)
	}
	if len(kept.Results) != 1 || kept.Results[0].Verdict != "inconclusive" || len(kept.LeftOut) != 0 {
		t.Errorf("kept: %+v, left out %v", kept.Results, kept.LeftOut)
	}
}

// TestTargetMisused checks what is said of targets that cannot be tried: never a verdict.
func TestTargetMisused(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>")) }))
	t.Cleanup(web.Close)
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.yaml")
	if err := os.WriteFile(bad, []byte("url: http://localhost:1\nbudgets: {all: 1s}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mistaken := func(policies string) string {
		f := filepath.Join(t.TempDir(), "policies.yaml")
		if err := os.WriteFile(f, []byte("url: "+web.URL+"\npolicies:\n"+policies), 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, `policies.yaml:4:17: policies: launch_quota is -1: it is a number of launches`,
			[]string{"--target-file", mistaken("  notices_death: true\n  launch_quota: -1\n")}},
		{exitUsage, `policies.yaml:3:17: policies: online_after is 40: it is a number of proofs of life from 1 to 10`,
			[]string{"--target-file", mistaken("  online_after: 40\n")}},
		{exitUsage, `policies.yaml: \[3:3\] unknown field "reaps"`, []string{"--target-file", mistaken("  reaps: true\n")}},
		{exitUsage, `policies.yaml: \[3:17\] `, []string{"--target-file", mistaken("  reaps_failed: often\n")}},
		{exitEnvironment, `GET /health: answered 200 with HTML`, []string{"--target-file", mistaken("  restarts_offline: 10m\n  relaunches: true\n")}},
		{exitEnvironment, `GET /health: answered 200 with HTML`, []string{"--target", web.URL}},
		{exitEnvironment, `GET /health: no answer`, []string{"--target", "http://127.0.0.1:1"}},
		{exitEnvironment, `GET /workspaces: answered 401: it refuses a call without a token`, []string{"--target", somebodys(t, "sticky-failed")}},
		{exitUsage, `dialect "x" is not known`, []string{"--target", web.URL, "--dialect", "x"}},
		{exitUsage, `"soon" is no time`, []string{"--target", web.URL, "--budget", "hermes=soon"}},
		{exitUsage, `--ttl is for a --target`, []string{"--ttl", "3s"}},
		{exitUsage, `--token is for a --target`, []string{"--token", "s3cret"}},
		{exitUsage, `a TTL of 20s calls every one of them silent`, []string{"--target", web.URL, "--ttl", "20s"}},
		{exitUsage, `TTL of 20s for external workspaces, half of the TTL of 40s`, []string{"--target", web.URL, "--ttl", "40s"}},
		{exitEnvironment, `answered 404: it wants an organisation's id \(--org-id\)`, []string{"--target", organised(t), "--token", foreigntest.AdminToken}},
		{exitUsage, `--defect is for the reference controller`, []string{"--target", web.URL, "--defect", "sticky-failed"}},
		{exitUsage, `bad.yaml: .*budgets`, []string{"--target-file", bad}},
	} {
		code, out, stderr := invoke(append([]string{"run", "--out", dir, "minimax-past-budget"}, c.args...)...)
		if code != c.code || strings.Contains(out, "held") {
			t.Errorf("%v: exit code %d, want %d: %s", c.args, code, c.code, out)
		}
		says(t, strings.ReplaceAll(stderr, "\n  ", " "), c.want)
	}
}
