package harness

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// VerifyOption alters how Verify searches.
type VerifyOption func(*verifying)

type verifying struct {
	source   stores.Source
	folder   string
	policies *contract.Policies
	command  string // by which what is kept is played again
}

// OnStore has every plan played on a fresh store of the source; without it, in memory.
func OnStore(s stores.Source) VerifyOption { return func(v *verifying) { v.source = s } }

// KeepIn has what is found kept as a run in a folder below this one; without it nothing is kept, and only the log tells.
func KeepIn(folder string) VerifyOption { return func(v *verifying) { v.folder = folder } }

// WithPolicies has the controller judged by these policies: in what it differs from the contract on purpose. It may do what they
// say, and has to.
func WithPolicies(p contract.Policies) VerifyOption { return func(v *verifying) { v.policies = &p } }

// Verify checks a controller against generated fleets, faults and operator's acts: every invariant must hold in every run.
// It is a property test of rapid: the number of plans and all else is set by the -rapid flags, as users of rapid know
// them. A failure is made small as a plan, told with its mechanism, and kept where [KeepIn] says; it depends on the plan
// alone, so what is kept can be replayed whatever becomes of the generator.
func Verify(t *testing.T, target sim.Target, options ...VerifyOption) {
	t.Helper()
	v := &verifying{source: stores.Memory()}
	for _, o := range options {
		o(v)
	}
	if v.policies != nil {
		target.Policies = *v.policies
	}
	if err := target.Policies.Validate(); err != nil {
		t.Fatalf("the policies of %s: %v", target.Name, err)
	}
	if *replayFlag != "" {
		v.replay(t, target, *replayFlag)
		return
	}
	if *keepFlag != "" {
		v.folder = *keepFlag
	}
	v.command = testCommand(t)
	var failed *Outcome
	defer func() { // and not at clean-up, when no bubble can be opened any more
		if failed != nil && t.Failed() {
			v.tell(t, target, failed)
		}
	}()
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(rt, label) }
		p := generate.Plan(draw, generate.Strategy{Depth: draw("strategy", 4)})
		o := Play(context.Background(), p, v.source, target, nil)
		if o.Fault != nil {
			rt.Fatalf("the harness failed: %v", o.Fault)
		}
		if x := o.Judgement.First(); x != nil {
			if err := Twice(context.Background(), p, v.source, target); err != nil {
				rt.Fatalf("%v", err)
			}
			failed = o
			rt.Fatalf("violated %s", x.Invariant)
		}
	})
}

// tell makes the failure small and writes its story to the test's log.
func (v *verifying) tell(t *testing.T, target sim.Target, failed *Outcome) {
	f := Checking{Target: target, Source: v.source}.shrink(context.Background(), failed)
	o := f.Outcome
	x := o.Judgement.First()
	e := invariant.Explain(o.Plan, o.History, x)
	var b strings.Builder
	fmt.Fprintf(&b, "VIOLATED %s · %s · %s\n", x.Invariant, target.Name, e.Subject)
	for _, l := range e.Timeline {
		fmt.Fprintf(&b, "  %s  %s\n", invariant.Clock(l.At), l.Text)
	}
	fmt.Fprintf(&b, "  mechanism  %s\n  expected   %s\n", e.Mechanism, e.Expected)
	if text, err := f.Scenario("Found by a property test. It violates "+x.Invariant+".", o.Plan.Seed); err == nil {
		fmt.Fprintf(&b, "\nas a scenario, for seed %d:\n\n%s", o.Plan.Seed, text)
	}
	if v.folder != "" {
		if folder, err := v.keep(o, target.Name); err == nil {
			fmt.Fprintf(&b, "\nkept in %s\nreplay  %s%s\n", folder, v.command, absolute(folder))
		} else {
			fmt.Fprintf(&b, "\nnot kept: %v\n", err)
		}
	}
	t.Log(b.String())
}

func (v *verifying) keep(o *Outcome, name string) (string, error) {
	r := &runs.Run{
		Form: runs.Form, Began: time.Now(), Version: "test", Seed: o.Plan.Seed, World: runs.Simulated, Store: v.source.Name(),
		Server: v.source.Describe(), Target: name, Test: v.command,
	}
	if err := r.Create(v.folder); err != nil {
		return "", err
	}
	x := r.Add(runs.Played{Plan: o.Plan, History: o.History, Digest: o.Digest, Judgement: o.Judgement, Wall: o.Wall})
	if err := r.SaveHistory(x); err != nil {
		return "", err
	}
	return r.Folder(), r.Save()
}
