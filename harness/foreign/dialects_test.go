package foreign_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/foreign/nodetest"
	"github.com/bootrace/bootrace/harness/foreign/runnertest"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

// spoken is a server of another dialect's, in a bubble.
type spoken struct {
	url  string
	left func() []string
	end  func()
}

// kinds are servers of the other dialects, healthy or with a defect like the seed's: who comes late is heard, and stays as it was.
var kinds = []struct {
	dialect string
	params  map[string]string
	token   string
	start   func(n *foreigntest.Network, defect bool) (spoken, error)
}{
	{"kubernetes-nodes", nil, nodetest.Token, startNodes},
	{"github-runners", map[string]string{"owner": "acme", "repo": "site"}, runnertest.Token, startRunners},
	{"github-runners", map[string]string{"owner": "acme", "repo": "site", "by": "token"}, runnertest.Token, startRunners},
}

func startNodes(n *foreigntest.Network, defect bool) (spoken, error) {
	s, err := nodetest.Start(nodetest.Config{StickyNeverUpdated: defect, Listen: n.Listen})
	if err != nil {
		return spoken{}, err
	}
	return spoken{s.URL, s.Left, s.Close}, nil
}

func startRunners(n *foreigntest.Network, defect bool) (spoken, error) {
	s, err := runnertest.Start(runnertest.Config{LateStayOffline: defect, Listen: n.Listen})
	if err != nil {
		return spoken{}, err
	}
	return spoken{s.URL, s.Left, s.Close}, nil
}

// playable are scenarios that such servers can play: late boots, deletions, silences, and what befalls machines and the network.
var playable = []*scenarios.Scenario{
	own("late", group(3, 13*minute), nil),
	own("early", group(3, 3*minute), nil),
	own("delete", group(3, 3*minute), []scenarios.Act{act(15*minute, "delete")}),
	own("delete-during-boot", group(3, 6*minute), []scenarios.Act{act(3*minute, "delete")}),
	own("machine-restart", group(3, 3*minute), nil, scenarios.Fault{Kind: "machine-restart", From: scenarios.Duration(11 * minute)}),
	own("machine-death", group(3, 3*minute), nil, scenarios.Fault{Kind: "machine-death", From: scenarios.Duration(15 * minute)}),
	own("partition", group(3, 3*minute), nil, scenarios.Fault{Kind: "partition", From: scenarios.Duration(11 * minute), Until: scenarios.Duration(15 * minute)}),
	own("lost-replies", group(3, 3*minute), nil, scenarios.Fault{Kind: "lose-reply", Until: scenarios.Duration(5 * minute), Nth: []int{1}}),
}

// TestOtherDialects judges servers that speak nothing of the contract's wire, end to end: the healthy one holds, and of one with the
// planted defect just those are accused who came late.
func TestOtherDialects(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for _, defect := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				network := new(foreigntest.Network)
				server, err := kind.start(network, defect)
				if err != nil {
					t.Fatal(err)
				}
				defer server.end()
				x := foreign.Target{
					Name: "staging", URL: server.url, Dialect: kind.dialect, Params: kind.params, Token: kind.token, Network: network, Poll: 5 * time.Second,
				}
				list := playable
				if kind.params["by"] == "token" { // only the create differs
					list = slices.DeleteFunc(slices.Clone(playable), func(s *scenarios.Scenario) bool { return s.Name != "late" && s.Name != "lost-replies" })
				}
				for _, one := range play(t, x, list...) {
					j := invariant.Judge(one.plan, one.history)
					name := kind.dialect + ": " + one.plan.Name
					if !defect || one.plan.Name != "late" {
						for _, v := range j.Violations() {
							t.Errorf("%s, %v, %s, workspace %d: %s, expected %s", name, defect, v.Invariant, v.Workspace, v.What, v.Expected)
						}
						if j.Verdict != invariant.Held {
							t.Errorf("%s: %s: %v", name, j.Verdict, j.Doubts)
						}
						continue
					}
					late := 0
					for _, v := range j.Violations() {
						if v.Invariant == "converges" {
							late++
						}
					}
					if first := j.First(); late != 3 || first == nil || first.Invariant != "converges" {
						t.Errorf("%s: %d of 3 do not converge; violated: %v", name, late, names(j))
					}
					for _, v := range names(j) {
						if v != "converges" && v != "linearizable" {
							t.Errorf("%s: it is accused of %s as well", name, v)
						}
					}
				}
				if left := server.left(); len(left) > 0 {
					t.Errorf("%s: left behind: %v", kind.dialect, left)
				}
			})
		}
	}
}

// TestOtherDialectsLeaveOut checks what is said of scenarios that need more than a dialect has.
func TestOtherDialectsLeaveOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ dialect, scenario, want string }{
		{"kubernetes-nodes", "pause-resume-during-boot", "its act pause is a call that the dialect kubernetes-nodes does not have"},
		{"kubernetes-nodes", "external-agents", "it has external workspaces, which the dialect kubernetes-nodes does not have"},
		{"kubernetes-nodes", "pause-family-during-boot", "it needs parents, which the dialect kubernetes-nodes lacks"},
		{"github-runners", "minimax-past-budget", "a server of the dialect github-runners never gives up"},
		{"kubernetes-nodes", "minimax-past-budget", ""},
		{"molecule", "external-agents", ""},
	} {
		x := foreign.Target{URL: "http://localhost:1", Dialect: c.dialect}
		if c.dialect == "github-runners" {
			x.Params = map[string]string{"owner": "acme", "repo": "site"}
		}
		x, err := x.Complete()
		if err != nil {
			t.Fatal(err)
		}
		p, why, err := x.Fit(find(t, c.scenario)[0], 7)
		if err != nil || !strings.Contains(why, c.want) || (why == "") != (p != nil) {
			t.Errorf("%s, %s: %q, %v", c.dialect, c.scenario, why, err)
		}
	}
}

// TestParameters checks what is said of targets that do not tell what their dialect wants to know.
func TestParameters(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		x    foreign.Target
		want string
	}{
		{foreign.Target{Dialect: "github-runners", Params: map[string]string{"owner": "acme"}}, "wants to know repo: The repository. (--param repo=…)"},
		{foreign.Target{Dialect: "github-runners", Params: map[string]string{"owner": "acme", "repo": "site", "team": "a"}}, "is given team, and the dialect github-runners has the parameters by, owner, repo"},
		{foreign.Target{Dialect: "kubernetes-nodes", OrgID: "org-1"}, "is given org_id, and the dialect kubernetes-nodes has the parameters namespace"},
		{foreign.Target{Dialect: "kubernetes-nodes", ServeCP: "127.0.0.1:0"}, "does not ask bootrace for machines"},
		{foreign.Target{Dialect: "there-is-none.yaml"}, "the dialect's file"},
	} {
		c.x.URL = "http://localhost:1"
		if _, err := c.x.Complete(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// TestProbe tries every dialect's calls on a server of its kind.
func TestProbe(t *testing.T) {
	t.Parallel()
	probed := func(t *testing.T, x foreign.Target) map[string]foreign.Probed {
		t.Helper()
		all := map[string]foreign.Probed{}
		left, err := foreign.Probe(t.Context(), x, func(p foreign.Probed) {
			if _, ok := all[p.Call]; !ok || p.Call == dialect.Get && len(all) < 7 {
				all[p.Call] = p
			}
		})
		if err != nil || len(left) > 0 {
			t.Errorf("%s: %v, left %v", x.Dialect, err, left)
		}
		return all
	}
	for _, kind := range kinds {
		synctest.Test(t, func(t *testing.T) {
			network := new(foreigntest.Network)
			server, err := kind.start(network, false)
			if err != nil {
				t.Fatal(err)
			}
			defer server.end()
			all := probed(t, foreign.Target{URL: server.url, Dialect: kind.dialect, Params: kind.params, Token: kind.token, Network: network})
			for _, call := range []string{dialect.Health, dialect.List, dialect.Create, dialect.Get, dialect.Register, dialect.Heartbeat, dialect.Delete} {
				if p := all[call]; !p.OK() {
					t.Errorf("%s: %s: %+v", kind.dialect, call, p)
				}
			}
			if p := all[dialect.Pause]; !p.Missing {
				t.Errorf("%s: %+v", kind.dialect, p)
			}
			if got := all[dialect.Get].Understood; !strings.Contains(got, "status online") {
				t.Errorf("%s: once it beats, get says %q", kind.dialect, got)
			}
			if left := server.left(); len(left) > 0 {
				t.Errorf("%s: left behind: %v", kind.dialect, left)
			}
		})
	}
	stage(t, foreigntest.AsFound(), short, nil, func(t *testing.T, x *staged) {
		all := probed(t, x.target)
		for _, call := range []string{dialect.Create, dialect.Register, dialect.Heartbeat, dialect.Events, dialect.Pause, dialect.Restart, dialect.Delete} {
			if p := all[call]; !p.OK() || p.Understood == "" {
				t.Errorf("molecule: %s: %+v", call, p)
			}
		}
		if left := x.server.Left(); len(left) > 0 {
			t.Errorf("molecule: left behind: %v", left)
		}
	})
}

// TestProbeOfAnotherDialect tells which call is not understood, and creates nothing where the operator is not let in.
func TestProbeOfAnotherDialect(t *testing.T) {
	t.Parallel()
	text, err := dialect.Source("kubernetes-nodes")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		network := new(foreigntest.Network)
		server, err := startNodes(network, false)
		if err != nil {
			t.Fatal(err)
		}
		defer server.end()
		for _, c := range []struct{ name, old, new, token, want string }{
			{"no id", "id: reply.metadata.name", "id: reply.metadata.uid", nodetest.Token, "no such key: uid"},
			{"an unknown status", "  None: provisioning\n", "", nodetest.Token, `said to be "None"`},
			{"another token", "about: ", "about: ", "another", ""},
		} {
			d, err := dialect.Load("mine.yaml", []byte(strings.Replace(string(text), c.old, c.new, 1)))
			if err != nil {
				t.Fatal(c.name, err)
			}
			var all []foreign.Probed
			left, err := foreign.Probe(t.Context(), foreign.Target{URL: server.url, Speaks: d, Token: c.token, Network: network}, func(p foreign.Probed) { all = append(all, p) })
			if err != nil || c.name != "an unknown status" && len(left) > 0 {
				t.Errorf("%s: %v, left %v", c.name, err, left)
			}
			said := slices.ContainsFunc(all, func(p foreign.Probed) bool {
				return p.Err != nil && strings.Contains(p.Err.Error(), c.want) && strings.Contains(p.Err.Error(), "mine.yaml:")
			})
			refused := all[len(all)-1].Answer.Code == http.StatusUnauthorized
			if c.want != "" && !said || c.want == "" && !refused {
				t.Errorf("%s: %+v", c.name, all)
			}
		}
	})
}

// goDialect alters a dialect in Go.
type goDialect struct{ dialect.Dialect }

func (d *goDialect) Speak(ctx context.Context, c dialect.Call, send dialect.Send) (dialect.Answer, error) {
	return d.Dialect.Speak(ctx, c, func(q *http.Request) (*http.Response, error) {
		q.Header.Set("Authorization", "Bearer "+nodetest.Token) // as one that signs would
		return send(q)
	})
}

// TestDialectInGo plays against a target whose dialect is a program.
func TestDialectInGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := new(foreigntest.Network)
		server, err := startNodes(network, false)
		if err != nil {
			t.Fatal(err)
		}
		defer server.end()
		d, err := dialect.Find("kubernetes-nodes")
		if err != nil {
			t.Fatal(err)
		}
		x := foreign.Target{Name: "staging", URL: server.url, Speaks: &goDialect{d}, Network: network}
		for _, one := range play(t, x, playable[1]) {
			held(t, one.plan, one.history)
			if n := len(one.history.Events); n < 10 || one.history.Events[n-1].Kind != history.End {
				t.Errorf("%d events", n)
			}
		}
	})
}

// TestExampleDialect loads the example that the documentation shows.
func TestExampleDialect(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/example-dialect.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dialect.Load("example-dialect.yaml", text); err != nil {
		var all dialect.Problems
		t.Errorf("%v (%v)", err, errors.As(err, &all))
	}
}
