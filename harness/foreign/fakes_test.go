package foreign_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/endpoints"
	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

// fakeprovider serves a fake EC2 and LLM providers as the command does, and returns a cloud on it for a controller.
func fakeprovider(t *testing.T, o endpoints.Options) (url string, machines cloud.Cloud) {
	t.Helper()
	e, err := endpoints.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(e.Handler())
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	c, err := ec2.New(context.Background(), ec2.Config{
		Deployment: "d", Endpoint: server.URL, ImageID: "ami-0b007ace000000001", AgentCommand: "agent", Transport: transport, Settle: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.URL, c
}

// TestHealthyTargetOnAFakeprovider plays scenarios with agents on the machines that the target launches by itself, at a fake
// EC2 in another process, whose LLM providers their preflights are made at.
func TestHealthyTargetOnAFakeprovider(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked := map[string]int{} // completions that were answered, by workspace
	fakes, machines := fakeprovider(t, endpoints.Options{TellBoots: true, Speed: 7, Answered: func(c llm.Call) {
		mu.Lock()
		defer mu.Unlock()
		if c.Status == http.StatusOK {
			asked[c.Workspace]++
		}
	}})
	x := target(serve(t, "", machines))
	x.Fakeprovider = fakes
	// Some of them: the others' machines are launched and stopped in the same ways, and all at a time they keep the cores busy.
	some := slices.DeleteFunc(slices.Clone(quick), func(s *scenarios.Scenario) bool {
		return !slices.Contains([]string{"late", "restart", "pause", "machine-death", "dead-boot", "external"}, s.Name)
	})
	for _, x := range play(t, x, some...) {
		t.Run(x.plan.Name, func(t *testing.T) {
			t.Parallel()
			held(t, x.plan, x.history)
			has := func(kind history.Kind, phase string) bool {
				return slices.ContainsFunc(x.history.Events, func(e history.Event) bool { return e.Kind == kind && e.Phase == phase })
			}
			if want := x.plan.Name != "external"; has(history.Machine, history.Launched) != want {
				t.Errorf("a machine was launched: %v, want %v", !want, want)
			}
			if want := x.plan.Name == "machine-death"; has(history.Machine, history.Died) != want {
				t.Errorf("a machine has died: %v, want %v", !want, want)
			}
		})
	}
	mu.Lock()
	defer mu.Unlock()
	if len(asked) < len(some) {
		t.Errorf("preflights were made for %d workspaces alone", len(asked))
	}
}

// TestStickyFailedOnAFakeprovider finds the seed defect there, with slow preflights that are real calls.
func TestStickyFailedOnAFakeprovider(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		t.Fatal(err)
	}
	// Its preflights are on the wall clock, so a slow machine may have to say that it is one, which is no failure. Anything else is.
	for range 3 {
		fakes, machines := fakeprovider(t, endpoints.Options{TellBoots: true, Speed: 30})
		x := target(serve(t, "sticky-failed", machines))
		x.Fakeprovider = fakes
		y := play(t, x, s)[0]
		j := invariant.Judge(y.plan, y.history)
		i := slices.IndexFunc(j.Findings, func(f invariant.Finding) bool { return f.Invariant == "converges" })
		f := j.Findings[i]
		if f.Verdict == invariant.Violated {
			if m := invariant.Explain(y.plan, y.history, &f.Violations[0]).Mechanism; !strings.Contains(m, "The provision-timeout sweeper gave up") {
				t.Errorf("the mechanism is %s", m)
			}
			return
		}
		if slices.Contains(names(j), "linearizable") {
			return // that the replies have no legal order has no time, where the machine lost most of it
		}
		if f.Verdict != invariant.Inconclusive || !strings.Contains(f.Why, "this machine was too slow") {
			t.Fatalf("converges is %s (%s); violated: %v", f.Verdict, f.Why, names(j))
		}
		t.Log(f.Why)
	}
}

// TestFakeproviderThatIsNone checks that it is recognised at once, by the call that shows it.
func TestFakeproviderThatIsNone(t *testing.T) {
	t.Parallel()
	silent, _ := fakeprovider(t, endpoints.Options{})
	down := httptest.NewServer(nil)
	down.Close()
	url := serve(t, "", nil)
	for want, at := range map[string]string{
		"/admin/boots: it answered 404 Not Found: start it with --tell-boots": silent,
		"/admin/state: it answered 404 Not Found":                             url,
		"connection refused": down.URL,
	} {
		x := target(url)
		x.Fakeprovider = at
		s, err := foreign.Open(t.Context(), x)
		if err == nil {
			s.Close()
			t.Errorf("%s: it passes", at)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "fakeprovider: GET "+at) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

// TestRefusedLaunchesOnAFakeprovider has the first launches refused there for want of capacity: a controller that tries again keeps its
// promise, and one that gives the boot up for it is found, by what it was answered.
func TestRefusedLaunchesOnAFakeprovider(t *testing.T) {
	t.Parallel()
	for defect, want := range map[string]invariant.Verdict{"": invariant.Held, "throttled-is-refused": invariant.Violated} {
		t.Run("defect "+defect, func(t *testing.T) {
			t.Parallel()
			fakes, machines := fakeprovider(t, endpoints.Options{TellBoots: true, Speed: 30})
			// Its client tries thrice by itself.
			q, err := http.NewRequestWithContext(t.Context(), http.MethodPut, fakes+"/admin/ec2/faults",
				strings.NewReader(`{"rules": [{"action": "RunInstances", "kind": "no-capacity", "times": 4}]}`))
			if err != nil {
				t.Fatal(err)
			}
			q.Header.Set("Content-Type", "application/json")
			r, err := http.DefaultClient.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode/100 != 2 {
				t.Fatal(r.Status)
			}
			x := target(serve(t, defect, machines))
			x.Fakeprovider = fakes
			y := play(t, x, own("refused", group(1, 3*minute), nil))[0]
			refused := 0
			for _, e := range y.history.Events {
				if e.Kind == history.Cloud && e.Call == "launch" && e.Code == 500 && e.Err == "InsufficientInstanceCapacity" && e.Inc == 1 {
					refused++
				}
			}
			if refused < 3 {
				t.Errorf("%d refusals were told", refused)
			}
			j := invariant.Judge(y.plan, y.history)
			f := j.Findings[slices.IndexFunc(j.Findings, func(f invariant.Finding) bool { return f.Invariant == "launches" })]
			if f.Verdict != want || f.Checked == 0 {
				t.Errorf("launches is %s (%d checked), for %s: %+v", f.Verdict, f.Checked, f.Why, f.Violations)
			}
			if len(f.Violations) > 0 && !strings.Contains(f.Violations[0].What, "InsufficientInstanceCapacity") {
				t.Errorf("it says %s", f.Violations[0].What)
			}
		})
	}
}
