package foreign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
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

// Fit resolves the scenario for the target: its times are stretched or shrunk so that what happens before and after the
// contract's budgets happens before and after the target's. Where the target lacks what the scenario needs, leftOut says
// what, and there is no plan.
func (t Target) Fit(s *scenarios.Scenario, seed uint64) (p *plan.Plan, leftOut string, err error) {
	if why := t.lacks(s); why != "" {
		return nil, why, nil
	}
	if p, err = plan.Resolve(s, seed); err != nil {
		return nil, "", err
	}
	contract := p.Settings.Controller()
	scale := t.scale(p)
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		from, to := contract.Budget(w.Runtime), t.Budget(w.Runtime)
		for j := range w.Boots {
			w.Boots[j] = scale.boot(w.Boots[j], from, to)
		}
		w.CreateAt = scale.offset(w.CreateAt, from, to)
		w.Name = fmt.Sprintf("%s-%s", w.Name, t.mark())
		w.Budget = plan.Duration(to)
	}
	t.offsets(p, contract, scale)
	p.Settings = plan.Settings{
		LivenessTTL: plan.Duration(t.TTL), HeartbeatInterval: plan.Duration(t.Heartbeat),
		ProvisionSweepEvery: plan.Duration(t.ProvisionSweep), LivenessSweepEvery: plan.Duration(t.LivenessSweep),
		ExternalTTL: plan.Duration(t.ExternalTTL),
	}
	if same := p.Workspaces[0].Budget; !slices.ContainsFunc(p.Workspaces, func(w plan.Workspace) bool { return w.Budget != same }) {
		p.Settings.ProvisionTimeout = same // so that the simulated world can be told, too
	}
	p.Live = &plan.Live{Speed: 1, Tolerance: plan.Duration(t.Tolerance), Unseen: t.unseen()}
	p.Duration = plan.Duration(t.long(p).Round(time.Millisecond))
	return p, "", nil
}

// mark makes names that no other run gives: the wire has no other way to tell whose a workspace is.
func (Target) mark() string { return "br" + strings.ReplaceAll(uuid.NewString(), "-", "")[:10] }

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
				return "it needs provisioning, and the agents of this target are booted by nobody here"
			}
			return fmt.Sprintf("it needs %s, which the target lacks", need)
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

// scale stretches times: those before a budget with the budget, those after it with the slowest of the other times.
type scale struct{ after float64 }

func (t Target) scale(p *plan.Plan) scale {
	contract := p.Settings.Controller()
	ratio := func(target, contract time.Duration) float64 { return float64(target) / float64(contract) }
	return scale{max(
		ratio(t.TTL, contract.LivenessTTL), ratio(t.ExternalTTL, contract.ExternalTTL), ratio(t.ProvisionSweep, contract.ProvisionSweepEvery),
		ratio(t.LivenessSweep, contract.LivenessSweepEvery), ratio(t.Heartbeat, p.Settings.Heartbeat()),
	)}
}

func (s scale) offset(d plan.Duration, from, to time.Duration) plan.Duration {
	at := time.Duration(d)
	if at <= from {
		return times(d, float64(to)/float64(from))
	}
	return plan.Duration(to) + times(plan.Duration(at-from), s.after)
}

// times multiplies a time, to as exact a one as plans keep.
func times(d plan.Duration, by float64) plan.Duration {
	return plan.Duration(time.Duration(float64(d) * by).Round(time.Microsecond))
}

// boot stretches all phases alike, so that the boot ends where its total does.
func (s scale) boot(b plan.Boot, from, to time.Duration) plan.Boot {
	total := plan.Duration(b.Total())
	if total == 0 {
		return b
	}
	by := float64(s.offset(total, from, to)) / float64(total)
	refused := plan.Duration(b.Total()) - b.ImagePull - b.AgentStart - b.Preflight
	return plan.Boot{
		ImagePull: times(b.ImagePull, by), AgentStart: times(b.AgentStart, by), Preflight: times(b.Preflight+refused, by), Dies: b.Dies,
	}
}

// offsets stretches when faults strike and what the operator does.
func (t Target) offsets(p *plan.Plan, contract controller.Settings, s scale) {
	from, to := contract.Budget(p.Workspaces[0].Runtime), t.Budget(p.Workspaces[0].Runtime)
	for i := range p.Acts {
		p.Acts[i].At = s.offset(p.Acts[i].At, from, to)
	}
	for i := range p.Faults {
		f := &p.Faults[i]
		planned := f.From
		f.From = s.offset(f.From, from, to)
		switch length := f.Until - planned; {
		case f.Until == 0:
		case strings.HasPrefix(f.Kind, "llm-"), strings.HasPrefix(f.Kind, "cloud-"):
			f.Until = max(s.offset(f.Until, from, to), f.From+plan.Duration(time.Microsecond))
		default: // what agents and the network suffer is as long as TTLs and heartbeats make it matter
			f.Until = f.From + times(length, s.after)
		}
		if f.Kind == "llm-slow" {
			f.Delay = times(f.Delay, float64(to)/float64(from))
		}
	}
}

// long is how long the plan has to be played for all that it makes happen to be judged: the last boot, act and fault, and
// then a silence that is noticed or a recovery that is seen; and every budget, with its sweep.
func (t Target) long(p *plan.Plan) time.Duration {
	const hops = 5 * time.Second // what invariants allow for small things
	seen := t.Tolerance + 2*t.Poll
	silence := max(t.TTL, t.ExternalTTL) + t.LivenessSweep + hops
	recovery := 2*t.Heartbeat + min(30*time.Second, max(t.Heartbeat, hops))
	settle := max(silence, recovery) + seen
	long := cmp.Or(p.Long()-p.Settle(), 0) + settle
	for _, w := range p.Workspaces {
		if !w.External {
			long = max(long, time.Duration(w.CreateAt)+t.Budget(w.Runtime)+t.ProvisionSweep+hops+seen)
		}
	}
	return long
}
