package foreign

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// striking are the kinds of faults that can be brought about from outside, and striking the cloud those that can where the
// control plane is the harness's.
var (
	striking = []string{
		"partition", "lose-request", "lose-reply", "delay", "reorder", "duplicate", "rate-limit", "llm-outage", "llm-throttle",
		"llm-slow", "agent-stall", "agent-sick", "agent-oom", "machine-death", "machine-restart", "machine-pause", "stray-agent",
	}
	strikingCloud = []string{"cloud-throttle", "cloud-capacity", "cloud-refuses", "cloud-slow", "cloud-lost-reply"}
)

// Strikes reports whether faults of the kind can be brought about at a target, and whether only where the harness is its
// control plane.
func Strikes(kind string) (ok, cloud bool) {
	cloud = slices.Contains(strikingCloud, kind)
	return cloud || slices.Contains(striking, kind), cloud
}

// Impossible is the error of a scenario whose race cannot take place with the target's times: playing it would show nothing.
type Impossible struct {
	Plan *plan.Plan // with the contract's times
	Why  string
}

func (e *Impossible) Error() string { return e.Plan.Name + ": " + e.Why }

// Fit resolves the scenario for the target: its times are stretched or shrunk so that what happens before and after the
// contract's budgets happens before and after the target's. Where the target lacks what the scenario needs, leftOut says
// what, and there is no plan. Where its times leave the scenario no race, the error is *Impossible.
func (t Target) Fit(s *scenarios.Scenario, seed uint64) (p *plan.Plan, leftOut string, err error) {
	if why := t.lacks(s); why != "" {
		return nil, why, nil
	}
	if p, err = plan.Resolve(s, seed); err != nil {
		return nil, "", err
	}
	if why := t.scale(p); why != "" {
		p.Live = &plan.Live{Speed: 1, Tolerance: plan.Duration(t.Tolerance), Unseen: t.unseen()}
		return nil, "", &Impossible{p, why}
	}
	t.agents(p)
	t.beats(p)
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		w.Name = t.named(w.Name)
		w.Budget = plan.Duration(t.Budget(w.Runtime))
		if t.speaks().Spec().NeverGivesUp {
			w.Budget = plan.Duration(plan.Never)
		}
	}
	p.Settings = plan.Settings{
		LivenessTTL: plan.Duration(t.TTL), HeartbeatInterval: plan.Duration(t.Heartbeat),
		ProvisionSweepEvery: plan.Duration(t.ProvisionSweep), LivenessSweepEvery: plan.Duration(t.LivenessSweep),
		ExternalTTL: plan.Duration(t.ExternalTTL),
	}
	if same := p.Workspaces[0].Budget; !slices.ContainsFunc(p.Workspaces, func(w plan.Workspace) bool { return w.Budget != same }) {
		p.Settings.ProvisionTimeout = same // so that the simulated world can be told, too
	}
	p.Contract = t.Policies.Judging(p.Contract)
	p.Live = &plan.Live{Speed: 1, Tolerance: plan.Duration(t.Tolerance), Unseen: t.unseen()}
	p.Duration = plan.Duration(t.long(p).Round(time.Millisecond))
	return p, "", nil
}

// lacks says what the scenario needs and the target has not, or nothing.
func (t Target) lacks(s *scenarios.Scenario) string {
	lacks := append([]string{"replicas"}, t.Lacks...)
	if t.Boots == BootsNone {
		lacks = append(lacks, "provisioning")
	}
	for _, need := range s.Needs {
		if slices.Contains(lacks, need) {
			switch need {
			case "replicas":
				return "it needs several replicas, and the target has one URL"
			case "provisioning":
				return "it needs provisioning, but nothing here boots agents for this target"
			}
			return fmt.Sprintf("it needs %s, which the target lacks", need)
		}
	}
	if why := t.unspoken(s); why != "" {
		return why
	}
	if x := s.Settings; x != nil {
		for _, own := range []struct {
			name string
			set  bool
		}{{"launch_batch", x.LaunchBatch > 0}, {"sweep_batch", x.SweepBatch > 0}, {"first_turns", x.FirstTurns != ""}} {
			if own.set {
				return fmt.Sprintf("its setting %s is the target's own, and the harness does not change it", own.name)
			}
		}
	}
	for _, f := range s.Faults {
		switch {
		case slices.Contains(striking, f.Kind), t.ServeCP != "" && slices.Contains(strikingCloud, f.Kind):
		case slices.Contains(strikingCloud, f.Kind):
			return fmt.Sprintf("its fault %s strikes a cloud, and the target's is not the harness's: serve its control plane", f.Kind)
		default:
			return fmt.Sprintf("its fault %s cannot be brought about from outside", f.Kind)
		}
	}
	return ""
}

// unspoken says what the scenario needs and the target's dialect has no word for, or nothing.
func (t Target) unspoken(s *scenarios.Scenario) string {
	spec := t.speaks().Spec()
	for _, need := range s.Needs {
		if slices.Contains(spec.Lacks, need) {
			return fmt.Sprintf("it needs %s, which the dialect %s lacks", need, spec.Name)
		}
	}
	for _, a := range s.Acts {
		if !spec.Has(scenarios.CallOf(a.Do)) {
			return fmt.Sprintf("its act %s is a call that the dialect %s does not have", a.Do, spec.Name)
		}
	}
	for _, g := range s.Fleet {
		switch {
		case g.External && !spec.External:
			return fmt.Sprintf("it has external workspaces, which the dialect %s does not have", spec.Name)
		case g.Parent != "" && slices.Contains(spec.Lacks, "parents"):
			return fmt.Sprintf("it needs parents, which the dialect %s lacks", spec.Name)
		}
	}
	if spec.NeverGivesUp && s.Expect != nil && (slices.Contains(s.Expect.Events, "provision_timeout") || s.Expect.Statuses["failed"] > 0) {
		return fmt.Sprintf("it is about boots that are given up, and a server of the dialect %s never gives up", spec.Name)
	}
	return ""
}

// hops is what invariants allow for small things.
const hops = 5 * time.Second

// agents makes the fleet one of all kinds of agents that there are, in turn within each group: those that register at every
// start until they are heard, those that try once and only beat from then on, and those that never do.
func (t Target) agents(p *plan.Plan) {
	seen := map[string]int{}
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		if w.External || w.SkipRegister {
			continue
		}
		switch seen[w.Group]++; seen[w.Group] % 3 {
		case 2:
			w.SkipRegister = true
		case 0:
			w.RegisterOnce = true
		}
	}
}

// beats has agents that beat otherwise than the contract's do so by as much more, or less, often than the target's.
func (t Target) beats(p *plan.Plan) {
	by := float64(t.Heartbeat) / float64(p.Times().Heartbeat)
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		w.BeatEvery, w.BeatJitter = plan.Duration(times(time.Duration(w.BeatEvery), by)), plan.Duration(times(time.Duration(w.BeatJitter), by))
	}
}

// long is how long the plan has to be played for all that it makes happen to be judged: the last boot, act and fault, and
// then a silence that is noticed or a recovery that is seen; and every budget, with its sweep.
func (t Target) long(p *plan.Plan) time.Duration {
	seen := t.Tolerance + 2*t.Poll
	silence := max(t.TTL, t.ExternalTTL) + t.LivenessSweep + hops
	recovery := time.Duration(1+max(1, t.Policies.OnlineAfter))*t.Heartbeat + min(30*time.Second, max(t.Heartbeat, hops))
	if t.Policies.RestartsOffline > 0 {
		silence += t.Policies.RestartsOffline + t.LivenessSweep + hops
	}
	settle := max(silence, recovery) + seen
	long := cmp.Or(p.Long()-p.Settle(), 0) + settle
	for _, w := range p.Workspaces {
		if !w.External {
			long = max(long, time.Duration(w.CreateAt)+t.Budget(w.Runtime)+t.ProvisionSweep+hops+seen)
		}
	}
	if t.Boots == BootsTarget { // what a call leaves without an owner is seen once it should have been stopped
		times := p.Times()
		for _, a := range p.Acts {
			long = max(long, time.Duration(a.At)+times.OrphanSweepEvery+times.LauncherEvery+times.LaunchTimeout+hops+seen)
		}
	}
	return long
}
