package foreign_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/scenarios"
)

// staged is a server of somebody else's in a network in memory, and what the harness is told of it. In a synctest bubble, a run
// against it needs no longer than its calls, whatever else the machine does.
type staged struct {
	server  *foreigntest.Server
	network *foreigntest.Network
	target  foreign.Target
	session *foreign.Session
	left    []string // scenarios that the target cannot play, each with why
}

const stagedCP = "127.0.0.1:7000"

// stage serves such a server, with a control plane where the target is told to serve one, and calls the test in a bubble.
func stage(t *testing.T, b foreigntest.Behaviour, times foreigntest.Times, alter func(*foreign.Target), test func(*testing.T, *staged)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &staged{network: new(foreigntest.Network)}
		x.target = foreign.Target{
			Name: "staging", Token: foreigntest.AdminToken, OrgID: "org-1", Network: x.network, TTL: times.TTL, ExternalTTL: times.ExternalTTL,
			Poll: 5 * time.Second, ProvisionSweep: times.ProvisionSweep, LivenessSweep: times.LivenessSweep, Budgets: map[string]time.Duration{},
		}
		budget := times.Budget
		if budget == 0 {
			budget = 10 * time.Minute
		}
		x.target.Budgets[""] = budget
		if alter != nil {
			alter(&x.target)
		}
		config := foreigntest.Config{Behaviour: b, Times: times, Listen: x.network.Listen, Dial: x.network.Dial}
		if x.target.ServeCP != "" {
			config.ControlPlane = "http://" + x.target.ServeCP
		}
		var err error
		if x.server, err = foreigntest.Start(config); err != nil {
			t.Fatal(err)
		}
		defer x.server.Close()
		x.target.URL = x.server.URL
		if x.session, err = foreign.Open(t.Context(), x.target); err != nil {
			t.Fatal(err)
		}
		defer x.session.Close()
		test(t, x)
	})
}

// play plays the scenarios, a few at a time, and leaves out what the target cannot play.
func (x *staged) play(t *testing.T, list ...*scenarios.Scenario) []played {
	t.Helper()
	var all []played
	for _, s := range list {
		p, why, err := x.session.Target().Fit(s, 7)
		var no *foreign.Impossible
		switch {
		case errors.As(err, &no):
			x.left = append(x.left, no.Error())
		case err != nil:
			t.Fatal(s.Name, err)
		case p == nil:
			x.left = append(x.left, s.Name+": "+why)
		default:
			all = append(all, played{plan: p})
		}
	}
	var playing sync.WaitGroup
	for i := range all {
		playing.Go(func() { all[i].history, all[i].err = x.session.Play(t.Context(), all[i].plan) })
	}
	playing.Wait()
	for _, one := range all {
		if one.err != nil {
			t.Fatal(one.plan.Name, one.err)
		}
	}
	return all
}

// find returns built-in scenarios.
func find(t *testing.T, names ...string) []*scenarios.Scenario {
	t.Helper()
	var all []*scenarios.Scenario
	for _, name := range names {
		s, err := scenarios.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// found lists the violations of what was played: scenario, invariant, and the workspaces.
func found(all []played) []string {
	var lines []string
	for _, x := range all {
		for _, f := range invariant.Judge(x.plan, x.history).Findings {
			if f.Verdict != invariant.Violated {
				continue
			}
			var who []string
			for _, v := range f.Violations {
				name := "?"
				if v.Workspace > 0 {
					w := x.plan.Workspaces[v.Workspace-1]
					name = w.Name[:strings.LastIndex(w.Name, "-br")]
				}
				who = append(who, name)
			}
			slices.Sort(who)
			lines = append(lines, fmt.Sprintf("%s: %s: %s", x.plan.Name, f.Invariant, strings.Join(slices.Compact(who), " ")))
		}
	}
	return lines
}

// short are the times that the server was run with when it was found: a budget of seconds beside the contract's other times.
var short = foreigntest.Times{Budget: 5 * time.Second}
