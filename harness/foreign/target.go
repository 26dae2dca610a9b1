package foreign

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/harness/contract"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/scenarios"
)

// Who boots the agents of workspaces that are not external.
const (
	BootsHarness = "harness" // the harness itself, when the workspace was created, restarted or resumed
	BootsTarget  = "target"  // the harness, on machines that the target launches: at its control plane, or at a fake provider
	BootsNone    = "none"    // nobody: only external workspaces are played
)

// Target is a controller that somebody else runs. The times are those that it is run with; zero ones are the contract's.
type Target struct {
	Name    string // how reports speak of it; the URL's host where empty
	URL     string
	Token   string // the operators' bearer token
	Dialect string // what it speaks: a built-in dialect, or a file; molecule where empty
	// Speaks is the same as a program has it: for what a file cannot say.
	Speaks dialect.Dialect
	Params map[string]string // what its dialect wants to know beside
	OrgID  string            // the parameter org_id

	// ServeCP is the address on which the control plane is served that the target asks for machines.
	ServeCP string
	// Fakeprovider is the URL of a bootrace fakeprovider on which the target launches its machines, and which tells of them.
	// Agents make their LLM preflights there, too.
	Fakeprovider string
	Boots        string // default: target where one of the two is set, and harness otherwise

	// Budgets are how long boots may take, by runtime; that of "" is all others'.
	Budgets        map[string]time.Duration
	TTL            time.Duration // liveness: silence before offline
	ExternalTTL    time.Duration // the same for external workspaces; half of the TTL where zero, as the contract has it
	Heartbeat      time.Duration // how often the agents beat
	ProvisionSweep time.Duration
	LivenessSweep  time.Duration

	Poll      time.Duration // how often statuses are read
	Tolerance time.Duration // how much wider every bound is
	Patience  time.Duration // how long it may fail to answer before the run, or its clean-up, is given up
	Lacks     []string      // capabilities, see scenarios.Capabilities

	Policies contract.Policies // in what it differs from the contract on purpose

	// Run is the mark by which everything that is created can be known as this run's; one of its own where empty.
	Run string

	Network Network // nil for the machine's
}

// Defaults of what is the harness's own.
const (
	defaultPoll      = time.Second
	defaultTolerance = time.Second
	defaultPatience  = 30 * time.Second
	defaultHeartbeat = 30 * time.Second
)

// Complete fills in the defaults, and says what is wrong with the target, or nothing.
func (t Target) Complete() (Target, error) {
	u, err := url.Parse(t.URL)
	switch {
	case t.URL == "":
		return t, errors.New("the target has no URL")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return t, fmt.Errorf("the target's URL %q is not an http or https URL with a host", t.URL)
	}
	if t.Speaks == nil {
		if t.Speaks, err = dialect.Find(cmp.Or(t.Dialect, dialect.Molecule)); err != nil {
			return t, err
		}
	}
	spec := t.Speaks.Spec()
	t.Dialect = cmp.Or(t.Dialect, spec.Name)
	if err := t.parameters(spec); err != nil {
		return t, err
	}
	t.URL = strings.TrimSuffix(t.URL, "/")
	t.Name = cmp.Or(t.Name, u.Host)
	if t.Run == "" {
		t.Run = newMark()
	}
	if t.Boots == "" {
		t.Boots = BootsHarness
		if t.ServeCP != "" || t.Fakeprovider != "" {
			t.Boots = BootsTarget
		}
	}
	fakes, err := url.Parse(t.Fakeprovider)
	switch {
	case t.Boots == BootsTarget && !spec.ControlPlane:
		return t, fmt.Errorf("a server of the dialect %s does not ask bootrace for machines: choose %s, or %s, as who boots its agents", spec.Name, BootsHarness, BootsNone)
	case !slices.Contains([]string{BootsHarness, BootsTarget, BootsNone}, t.Boots):
		return t, fmt.Errorf("agents are booted by %s, %s or %s, not by %q", BootsHarness, BootsTarget, BootsNone, t.Boots)
	case t.Fakeprovider != "" && (err != nil || fakes.Scheme != "http" && fakes.Scheme != "https" || fakes.Host == ""):
		return t, fmt.Errorf("the fake provider's URL %q is not an http or https URL with a host", t.Fakeprovider)
	case t.Fakeprovider != "" && t.ServeCP != "":
		return t, errors.New("the target launches machines at the control plane that is served, or at a fake provider: give one of them")
	case (t.Boots == BootsTarget) != (t.ServeCP != "" || t.Fakeprovider != ""):
		return t, errors.New("the target boots agents through a control plane or a fake provider, and only then is there one: give both or neither")
	}
	for _, name := range t.Lacks {
		if !slices.Contains(scenarios.Capabilities(), name) {
			return t, fmt.Errorf("the target is said to lack %q; capabilities are %s", name, strings.Join(scenarios.Capabilities(), ", "))
		}
	}
	if err := t.Policies.Validate(); err != nil {
		return t, fmt.Errorf("the target's policies: %w", err)
	}
	defaults := controller.DefaultSettings()
	for _, f := range []struct {
		name  string
		value *time.Duration
		or    time.Duration
	}{
		{"ttl", &t.TTL, cmp.Or(spec.Times.TTL, defaults.LivenessTTL)}, {"external ttl", &t.ExternalTTL, spec.Times.ExternalTTL},
		{"heartbeat", &t.Heartbeat, cmp.Or(spec.Times.Heartbeat, defaultHeartbeat)},
		{"provision sweep", &t.ProvisionSweep, cmp.Or(spec.Times.ProvisionSweep, defaults.ProvisionSweepEvery)},
		{"liveness sweep", &t.LivenessSweep, cmp.Or(spec.Times.LivenessSweep, defaults.LivenessSweepEvery)},
		{"poll", &t.Poll, defaultPoll}, {"tolerance", &t.Tolerance, defaultTolerance},
		{"patience", &t.Patience, defaultPatience},
	} {
		if *f.value < 0 {
			return t, fmt.Errorf("the target's %s is %s, below zero", f.name, *f.value)
		}
		*f.value = cmp.Or(*f.value, f.or)
	}
	half := ""
	if t.ExternalTTL == 0 {
		t.ExternalTTL = t.TTL / 2
		half = fmt.Sprintf(", half of the TTL of %s where it is not given,", t.TTL)
	}
	for _, runtime := range slices.Sorted(maps.Keys(t.Budgets)) {
		if t.Budgets[runtime] <= 0 {
			return t, fmt.Errorf("the target's budget for %q is %s, which is no time", runtime, t.Budgets[runtime])
		}
	}
	for _, x := range []struct {
		name string
		ttl  time.Duration
	}{{"TTL of " + t.TTL.String(), t.TTL}, {fmt.Sprintf("TTL of %s for external workspaces%s", t.ExternalTTL, half), t.ExternalTTL}} {
		if x.ttl <= t.Heartbeat {
			return t, fmt.Errorf("agents beat every %s, so that a %s calls every one of them silent", t.Heartbeat, x.name)
		}
	}
	return t, nil
}

// parameters completes what the dialect wants to know beside the URL, and says what is wrong with it.
func (t *Target) parameters(spec dialect.Spec) error {
	t.Params = maps.Clone(t.Params)
	if t.Params == nil {
		t.Params = map[string]string{}
	}
	if t.OrgID != "" {
		t.Params["org_id"] = t.OrgID
	}
	known := slices.Sorted(maps.Keys(spec.Params))
	for _, name := range slices.Sorted(maps.Keys(t.Params)) {
		if !slices.Contains(known, name) {
			has := "has no parameters"
			if len(known) > 0 {
				has = "has the parameters " + strings.Join(known, ", ")
			}
			return fmt.Errorf("the target is given %s, and the dialect %s %s", name, spec.Name, has)
		}
	}
	for _, name := range known {
		if p := spec.Params[name]; p.Required && t.Params[name] == "" && p.Default == "" {
			return fmt.Errorf("the dialect %s wants to know %s: %s (--param %s=…)", spec.Name, name, p.About, name)
		}
	}
	return nil
}

// speaks is the target's dialect, which is known by now or built in.
func (t Target) speaks() dialect.Dialect {
	if t.Speaks != nil {
		return t.Speaks
	}
	d, err := dialect.Find(dialect.Molecule)
	if err != nil {
		panic(err) // it is built in, and a test loads it
	}
	return d
}

// Budget is how long the target gives boots of the runtime.
func (t Target) Budget(runtime string) time.Duration {
	if b, ok := t.Budgets[runtime]; ok {
		return b
	}
	if b, ok := t.Budgets[""]; ok {
		return b
	}
	if b := t.speaks().Spec().Times.Budget; b > 0 {
		return b
	}
	return controller.DefaultSettings().Budget(runtime)
}

// Describe names the target and the times that waiting follows from, for a person.
func (t Target) Describe() string {
	budget := fmt.Sprintf("budget %s", t.Budget("claude-code"))
	if hermes := t.Budget("hermes"); hermes != t.Budget("claude-code") {
		budget += fmt.Sprintf(" (hermes %s)", hermes)
	}
	boots := map[string]string{
		BootsHarness: "agents booted by the harness", BootsTarget: "agents booted through the control plane served at " + t.ServeCP,
		BootsNone: "external agents only",
	}[t.Boots]
	if t.Fakeprovider != "" {
		boots = "agents booted on the machines that it launches at " + t.Fakeprovider
	}
	policies := ""
	if p := t.Policies.String(); p != "" {
		policies = " · policies: " + p
	}
	return fmt.Sprintf("%s (%s wire) · %s · %s, swept every %s · TTL %s (external %s), swept every %s · heartbeats every %s · read every %s%s",
		t.Name, t.speaks().Spec().Name, boots, budget, t.ProvisionSweep, t.TTL, t.ExternalTTL, t.LivenessSweep, t.Heartbeat, t.Poll, policies)
}

// unseen are the kinds of events that cannot be seen of the target.
func (t Target) unseen() []string {
	if t.Boots == BootsTarget {
		return []string{"move", "log", "row", "process", "tick", "panic"}
	}
	return []string{"move", "log", "row", "machine", "cloud", "process", "tick", "panic"}
}
