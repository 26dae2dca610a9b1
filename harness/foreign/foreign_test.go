package foreign_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fast are times that a run takes seconds with.
var fast = controller.Settings{
	ProvisionTimeout: time.Second, ProvisionSweepEvery: 200 * time.Millisecond, LivenessTTL: 2 * time.Second,
	ExternalTTL: 2 * time.Second, LivenessSweepEvery: 200 * time.Millisecond, OrphanSweepEvery: time.Second,
	LauncherEvery: 50 * time.Millisecond, LaunchRetryMin: 50 * time.Millisecond, LaunchTimeout: 2 * time.Second,
}

// leisurely are the same times, ten times longer. In a bubble a run takes as many calls by them, and fewer for what it waits for
// whatever the target's times are.
var leisurely = controller.Settings{
	ProvisionTimeout: ten * fast.ProvisionTimeout, ProvisionSweepEvery: ten * fast.ProvisionSweepEvery, LivenessTTL: ten * fast.LivenessTTL,
	ExternalTTL: ten * fast.ExternalTTL, LivenessSweepEvery: ten * fast.LivenessSweepEvery, OrphanSweepEvery: ten * fast.OrphanSweepEvery,
	LauncherEvery: ten * fast.LauncherEvery, LaunchRetryMin: ten * fast.LaunchRetryMin, LaunchTimeout: ten * fast.LaunchTimeout,
}

const ten = 10

const adminToken = "the operators' token"

// serve serves a controller, with a defect where one is named, and runs its ticks.
func serve(t *testing.T, defect string, machines cloud.Cloud) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, l, defect, machines, fast)
}

// serveOn serves it on a listener. In a synctest bubble, that is one of a network in memory.
func serveOn(t *testing.T, l net.Listener, defect string, machines cloud.Cloud, times controller.Settings) string {
	t.Helper()
	var d *defects.Defect
	if defect != "" {
		var err error
		if d, err = defects.Find(defect); err != nil {
			t.Fatal(err)
		}
	}
	built, err := defects.Build(d, defects.NewShared().Replica(time.Now()), controller.Config{
		Store: memory.New(d.Lifecycle(lifecycle.Standard()), nil), Settings: times, AdminToken: adminToken, Secret: []byte("secret"), Cloud: machines,
	})
	if err != nil {
		t.Fatal(err)
	}
	// In its multi-tenant mode the original wants to know the organisation, but for some calls.
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := r.URL.Path == "/health" || r.URL.Path == "/registry/register" || r.URL.Path == "/registry/heartbeat"
		if !open && r.Header.Get("X-Molecule-Org-Id") != "org-1" && r.Header.Get("User-Agent") != "test" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		built.Handler.ServeHTTP(w, r)
	})}}
	server.Start()
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

// target is how such a controller is described to the harness.
func target(url string) foreign.Target { return describe(url, fast) }

func describe(url string, times controller.Settings) foreign.Target {
	return foreign.Target{
		Name: "staging", URL: url, Token: adminToken, OrgID: "org-1", Budgets: map[string]time.Duration{"": times.ProvisionTimeout},
		TTL: times.LivenessTTL, ExternalTTL: times.ExternalTTL, Heartbeat: times.LivenessTTL * 3 / 20, ProvisionSweep: times.ProvisionSweepEvery,
		LivenessSweep: times.LivenessSweepEvery, Poll: times.LivenessTTL / 40, Tolerance: 500 * time.Millisecond,
	}
}

func names(j *invariant.Judgement) []string {
	var violated []string
	for _, f := range j.Findings {
		if f.Verdict == invariant.Violated {
			violated = append(violated, f.Invariant)
		}
	}
	return violated
}

// own is a scenario of few seconds. Its budget is 10m, which the target's, of a second or a few, stands for.
func own(name string, groups []scenarios.Group, acts []scenarios.Act, faults ...scenarios.Fault) *scenarios.Scenario {
	return &scenarios.Scenario{Name: name, About: "a", Fleet: groups, Acts: acts, Faults: faults}
}

func group(count int, total time.Duration) []scenarios.Group {
	return []scenarios.Group{{Name: "kimi", Provider: "kimi", Count: count, Boot: &scenarios.Boot{Total: scenarios.Duration(total)}}}
}

func act(at time.Duration, do string) scenarios.Act {
	return scenarios.Act{At: scenarios.Duration(at), Do: do}
}

// family is a workspace with others below it.
func family(total time.Duration) []scenarios.Group {
	lead, below := group(1, 2*minute)[0], group(2, total)[0]
	lead.Name, below.Parent = "lead", "lead"
	return []scenarios.Group{lead, below}
}

// of is the act on one group.
func of(group string, a scenarios.Act) scenarios.Act {
	a.Group = group
	return a
}

const minute = time.Minute

// quick are scenarios in which everything happens that can be brought about from outside.
var quick = []*scenarios.Scenario{
	own("late", group(2, 13*minute), nil),
	own("restart", group(2, 3*minute), []scenarios.Act{act(15*minute, "restart")}),
	own("restart-during-boot", group(2, 6*minute), []scenarios.Act{act(3*minute, "restart")}),
	own("delete", group(2, 3*minute), []scenarios.Act{act(15*minute, "delete")}),
	own("pause", group(2, 3*minute), []scenarios.Act{act(15*minute, "pause"), act(18*minute, "resume")}),
	own("hibernate", group(2, 3*minute), []scenarios.Act{act(15*minute, "hibernate"), act(18*minute, "wake")}),
	own("bootstrap-failed", group(2, 8*minute), []scenarios.Act{act(3*minute, "bootstrap-failed")}),
	own("family-pause", family(3*minute), []scenarios.Act{
		of("lead", act(15*minute, "pause")), of("kimi", act(16*minute, "resume")), of("lead", act(18*minute, "resume")),
	}),
	own("family-pause-during-boot", family(8*minute), []scenarios.Act{of("lead", act(4*minute, "pause")), of("lead", act(15*minute, "resume"))}),
	own("family-delete", family(3*minute), []scenarios.Act{
		of("lead", act(12*minute, "delete")), of("kimi", act(15*minute, "delete")), of("lead", act(18*minute, "delete")),
	}),
	own("machine-death", group(2, 3*minute), nil, scenarios.Fault{Kind: "machine-death", From: scenarios.Duration(15 * minute)}),
	own("stray-agent", group(1, 3*minute), nil, scenarios.Fault{Kind: "stray-agent", From: scenarios.Duration(5 * minute)}),
	own("dead-boot", []scenarios.Group{{Name: "kimi", Provider: "kimi", Count: 1, Boot: &scenarios.Boot{Dies: "image_pull"}}}, nil),
	own("external", []scenarios.Group{
		{Name: "kimi", Provider: "kimi", Count: 1, External: true}, {Name: "known", Provider: "kimi", Count: 1, External: true, KnownURL: true},
	}, nil),
	own("network", group(2, 3*minute), nil,
		scenarios.Fault{Kind: "duplicate", From: 0, Until: scenarios.Duration(4 * minute), Calls: []string{"heartbeat"}, Nth: []int{2}},
		scenarios.Fault{Kind: "delay", From: 0, Until: scenarios.Duration(4 * minute), Calls: []string{"heartbeat"}, Nth: []int{3}, Delay: scenarios.Duration(300 * time.Millisecond)},
	),
	own("sick", group(1, 3*minute), nil, scenarios.Fault{Kind: "agent-sick", From: scenarios.Duration(11 * minute), Until: scenarios.Duration(14 * minute)}),
	own("partition", group(1, 3*minute), nil, scenarios.Fault{Kind: "partition", From: scenarios.Duration(11 * minute), Until: scenarios.Duration(15 * minute)}),
}

// machines are scenarios of what befalls machines that go on to be machines.
var machines = []*scenarios.Scenario{
	own("machine-restart", group(2, 3*minute), nil, scenarios.Fault{Kind: "machine-restart", From: scenarios.Duration(11 * minute)}),
	own("reboot-during-boot", group(1, 8*minute), nil, scenarios.Fault{Kind: "machine-restart", From: scenarios.Duration(7 * minute)}),
	own("machine-pause", group(1, 3*minute), nil, scenarios.Fault{Kind: "machine-pause", From: scenarios.Duration(11 * minute), Until: scenarios.Duration(15 * minute)}),
	own("boot-paused", group(1, 9*minute), nil, scenarios.Fault{Kind: "machine-pause", From: scenarios.Duration(8 * minute), Until: scenarios.Duration(12 * minute)}),
	own("agent-oom", group(2, 3*minute), nil, scenarios.Fault{Kind: "agent-oom", From: scenarios.Duration(11 * minute), Until: scenarios.Duration(15 * minute)}),
	own("oom-from-the-start", group(1, 3*minute), nil, scenarios.Fault{Kind: "agent-oom", Until: scenarios.Duration(13 * minute)}),
}

// against plays the scenarios in a bubble, against the reference controller, with a defect where one is named: its agents booted by
// the harness, or on the machines that it asks for.
func against(t *testing.T, defect string, served bool, list []*scenarios.Scenario, test func(*testing.T, []played)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := new(foreigntest.Network)
		l, err := network.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var machines cloud.Cloud
		if served {
			machines = &controlPlane{
				url: "http://" + stagedCP, machines: map[string]cloud.Machine{},
				client: &http.Client{Transport: &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}},
			}
		}
		x := describe(serveOn(t, l, defect, machines, leisurely), leisurely)
		x.Network = network
		if served {
			x.ServeCP = stagedCP
		}
		test(t, play(t, x, list...))
		c := &http.Client{Transport: &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}}
		if n := workspacesOf(t, c, x.URL); n != 0 {
			t.Errorf("%d workspaces are left behind", n)
		}
	})
}

// TestMachinesThatGoOn has machines restarted, paused and starved, and agents come back on them.
func TestMachinesThatGoOn(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		against(t, "", served, machines, func(t *testing.T, all []played) {
			for _, x := range all {
				held(t, x.plan, x.history)
				starts := map[int]int{}
				for _, e := range x.history.Events {
					if e.Kind == history.Agent && e.Phase == history.Started {
						starts[e.WS]++
					}
				}
				want := 1
				if x.plan.Name == "machine-restart" || x.plan.Name == "agent-oom" {
					want = 2
				}
				for i := range x.plan.Workspaces {
					if starts[i+1] != want {
						t.Errorf("%s: the agent of workspace %d came up %d times, not %d", x.plan.Name, i+1, starts[i+1], want)
					}
				}
			}
		})
	}
}

// held judges what happened to a controller that keeps every promise.
func held(t *testing.T, p *plan.Plan, h *history.History) {
	t.Helper()
	j := invariant.Judge(p, h)
	for _, v := range j.Violations() {
		t.Errorf("%s, workspace %d: %s, expected %s", v.Invariant, v.Workspace, v.What, v.Expected)
	}
	if j.Verdict != invariant.Held {
		t.Errorf("%s: %v", j.Verdict, j.Doubts)
	}
}

// played is what came of one scenario.
type played struct {
	plan    *plan.Plan
	history *history.History
	err     error
}

// play plays the scenarios against the target, all at a time.
func play(t *testing.T, x foreign.Target, list ...*scenarios.Scenario) []played {
	t.Helper()
	session, err := foreign.Open(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	all := make([]played, len(list))
	var playing sync.WaitGroup
	for i, s := range list {
		p, why, err := session.Target().Fit(s, 7)
		if err != nil || p == nil {
			t.Fatal(s.Name, why, err)
		}
		playing.Go(func() {
			h, err := session.Play(t.Context(), p)
			all[i] = played{p, h, err}
		})
	}
	playing.Wait()
	for i, x := range all {
		if x.err != nil {
			t.Fatal(list[i].Name, x.err)
		}
	}
	return all
}

// TestHealthyTarget plays scenarios against a controller that keeps every promise, and looks whether it is left as it was.
func TestHealthyTarget(t *testing.T) {
	t.Parallel()
	against(t, "", false, quick, func(t *testing.T, all []played) {
		for _, x := range all {
			held(t, x.plan, x.history)
		}
	})
}

// TestListThatHides plays against a controller whose list lacks who is paused.
func TestListThatHides(t *testing.T) {
	t.Parallel()
	paused := slices.IndexFunc(quick, func(s *scenarios.Scenario) bool { return s.Name == "family-pause" })
	against(t, "list-hides-paused", false, quick[paused:paused+1], func(t *testing.T, all []played) {
		j := invariant.Judge(all[0].plan, all[0].history)
		if got := names(j); !slices.Equal(got, []string{"reply-is-state"}) || !strings.Contains(j.First().What, "the list lacks it") {
			t.Errorf("violated: %v, %+v", got, j.First())
		}
	})
}

// TestHealthyTargetThroughItsControlPlane plays them with agents on the machines that the target asks for.
func TestHealthyTargetThroughItsControlPlane(t *testing.T) {
	t.Parallel()
	cloudy := append(slices.Clone(quick),
		own("capacity", group(1, 3*minute), nil, scenarios.Fault{Kind: "cloud-capacity", Until: scenarios.Duration(10 * minute), Nth: []int{1}}),
		own("refused", group(1, 3*minute), nil, scenarios.Fault{Kind: "cloud-refuses", Until: scenarios.Duration(10 * minute), Nth: []int{1}}),
	)
	against(t, "", true, cloudy, func(t *testing.T, all []played) {
		for _, x := range all {
			held(t, x.plan, x.history)
			launched := slices.ContainsFunc(x.history.Events, func(e history.Event) bool { return e.Kind == history.Machine })
			if want := x.plan.Name != "external" && x.plan.Name != "refused"; launched != want {
				t.Errorf("%s: a machine was launched: %v, want %v", x.plan.Name, launched, want)
			}
		}
	})
}

// TestStickyFailed plays the seed race against a controller that has the seed defect, where a register does not heal either.
func TestStickyFailed(t *testing.T) {
	t.Parallel()
	against(t, "sticky-failed", false, find(t, "minimax-past-budget"), func(t *testing.T, all []played) { sticky(t, all[0]) })
}

func sticky(t *testing.T, x played) {
	t.Helper()
	p, h := x.plan, x.history
	j := invariant.Judge(p, h)
	first := j.First()
	if first == nil || first.Invariant != "converges" {
		t.Fatalf("violated: %v", names(j))
	}
	e := invariant.Explain(p, h, first)
	for _, want := range []string{"The provision-timeout sweeper gave up", "the heartbeat handler accepted", `found "failed" each time`} {
		if !strings.Contains(e.Mechanism, want) {
			t.Errorf("the mechanism lacks %q: %s", want, e.Mechanism)
		}
	}
	late := 0
	for _, v := range j.Violations() {
		if v.Invariant == "converges" && p.Workspaces[v.Workspace-1].Provider == "minimax" {
			late++
		}
	}
	if late != 5 || slices.Contains(names(j), "no-phantom-rows") {
		t.Errorf("%d of 5 minimax workspaces are stuck; violated: %v", late, names(j))
	}
}
