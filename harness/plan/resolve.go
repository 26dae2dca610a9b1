package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/scenarios"
)

// maxRefusals bounds the refused preflights of one boot.
const maxRefusals = 5

// Resolve makes every choice that the scenario leaves open, from the seed: the same scenario and seed always give the
// same plan. It fails where the scenario names a provider or runtime that is not known.
func Resolve(s *scenarios.Scenario, seed uint64) (*Plan, error) {
	p := &Plan{
		Name: s.Name, Seed: seed, Duration: s.Duration, Controllers: max(s.Controllers, 1), Schedule: s.Schedule, Expect: s.Expect,
	}
	if s.Settings != nil {
		p.Settings = Settings{
			ProvisionTimeout: s.Settings.ProvisionTimeout, LivenessTTL: s.Settings.LivenessTTL,
			HeartbeatInterval: s.Settings.HeartbeatInterval, ProvisionSweepEvery: s.Settings.ProvisionSweepEvery,
			LivenessSweepEvery: s.Settings.LivenessSweepEvery, ExternalTTL: s.Settings.ExternalTTL,
			LaunchBatch: s.Settings.LaunchBatch, SweepBatch: s.Settings.SweepBatch, FirstTurns: s.Settings.FirstTurns,
		}
	}
	draws := oracle.NewRandom(seed, "plan/"+s.Name)
	rand := func() uint64 { return draws.Choose(oracle.Ident, math.MaxUint64) }
	groups := map[string][]int{}
	parents := map[string]string{} // by group
	for _, g := range s.Fleet {
		for i := range max(g.Count, 1) {
			w, err := member(s, g, i, rand)
			if err != nil {
				return nil, err
			}
			p.Workspaces = append(p.Workspaces, w)
			groups[w.Group] = append(groups[w.Group], len(p.Workspaces))
			parents[w.Group] = g.Parent
		}
	}
	for name, members := range groups {
		for i, number := range members {
			if above := groups[parents[name]]; len(above) > 0 {
				p.Workspaces[number-1].Parent = above[i%len(above)]
			}
		}
	}
	all := make([]int, len(p.Workspaces))
	for i := range all {
		all[i] = i + 1
	}
	pick := func(group string, first, only int) []int {
		members := all
		if group != "" {
			members = groups[group]
		}
		if first > 0 {
			members = members[:min(first, len(members))]
		}
		if only > 0 {
			members = members[min(only, len(members))-1:][:1]
		}
		return members
	}
	for _, a := range s.Acts {
		for _, w := range pick(a.Group, a.First, a.Only) {
			for i := range max(a.Times, 1) {
				p.Acts = append(p.Acts, Act{At: a.At + a.Every*Duration(i), Do: a.Do, Workspace: w})
			}
		}
	}
	for _, f := range s.Faults {
		fault := Fault{
			Kind: f.Kind, From: f.From, Until: f.Until, Replica: f.Replica, Calls: f.Calls, Nth: f.Nth,
			Percent: f.Percent, Delay: f.Delay, By: f.By, When: f.When,
		}
		if f.Group != "" || f.First > 0 || f.Only > 0 {
			fault.Workspaces = pick(f.Group, f.First, f.Only)
		}
		p.Faults = append(p.Faults, fault)
	}
	if p.Duration == 0 {
		p.Duration = Duration(p.Long().Truncate(time.Second))
	}
	return p, nil
}

// Never is the budget of boots that are never given up: longer than any run.
const Never = 10 * 365 * 24 * time.Hour

// Long is how long the run must be for everything to happen and to settle: the last thing that the plan makes happen
// may begin the longest boot, and a boot that ends with its machine is given up when its budget is over.
func (p *Plan) Long() time.Duration {
	var last, boot time.Duration
	for _, w := range p.Workspaces {
		last = max(last, time.Duration(w.CreateAt))
		for _, b := range w.Boots {
			boot = max(boot, b.Total())
			if b.Dies != "" { // that shows when its budget is over
				boot = max(boot, p.Times().Budget(w.Runtime))
			}
		}
	}
	for _, f := range p.Faults {
		if f.Kind != "machine-death" {
			continue
		}
		for i, w := range p.Workspaces {
			if budget := p.Times().Budget(w.Runtime); budget < Never && (len(f.Workspaces) == 0 || slices.Contains(f.Workspaces, i+1)) {
				boot = max(boot, budget)
			}
		}
	}
	for _, a := range p.Acts {
		last = max(last, time.Duration(a.At))
	}
	if p.Expect != nil { // a promise is judged only where the run comes to its time
		last = max(last, time.Duration(p.Expect.OnlineBy))
		for _, g := range p.Expect.Groups {
			last = max(last, time.Duration(g.OnlineBy))
		}
	}
	return max(last, p.Healed()) + boot + p.Settle()
}

// Settle is how long a run goes on after everything that the plan makes happen, so that whatever will converge
// has: the longest silence that counts, a turn of every tick after it, and two heartbeats, of which the first may go
// unanswered. With the contract's times these are six minutes. It is longer than every bound of an invariant that counts
// from something of the plan's, and must be: what is not over by the end is not judged.
func (p *Plan) Settle() time.Duration {
	s := p.Times()
	silence := s.LivenessTTL
	for _, w := range p.Workspaces {
		if w.External {
			silence = max(silence, s.ExternalTTL)
		}
	}
	ticks := s.LauncherEvery + s.ProvisionSweepEvery + s.LivenessSweepEvery + s.OrphanSweepEvery
	return silence + ticks + 2*s.Heartbeat + s.RequestTimeout
}

// member draws the i-th workspace of a group.
func member(s *scenarios.Scenario, g scenarios.Group, i int, rand func() uint64) (Workspace, error) {
	w := Workspace{
		Group: g.Name, Provider: g.Provider, Runtime: g.Runtime, External: g.External,
		CreateAt: g.CreateAt + Duration(i)*g.CreateEvery,
		KnownURL: g.KnownURL, ErrorPercent: g.ErrorPercent, Tasks: g.Tasks, SkipRegister: g.SkipRegister, RegisterOnce: g.RegisterOnce,
		IgnoresGone: g.IgnoresGone, BeatEvery: g.BeatEvery, BeatJitter: g.BeatJitter,
	}
	if w.Group == "" {
		w.Group = g.Provider
	}
	if w.Runtime == "" {
		w.Runtime = fakeprovider.Runtimes()[0].Name
	}
	w.Name = fmt.Sprintf("%s-%d", cmp.Or(g.SameNamesAs, w.Group), i+1)
	provider, ok := fakeprovider.LookupProvider(w.Provider)
	if !ok {
		return w, fmt.Errorf("scenario %s: provider %q is not known", s.Name, w.Provider)
	}
	runtime, ok := fakeprovider.LookupRuntime(w.Runtime)
	if !ok {
		return w, fmt.Errorf("scenario %s: runtime %q is not known", s.Name, w.Runtime)
	}
	boots := 1
	for _, a := range s.Acts {
		switch a.Do {
		case "restart":
			if a.Group == "" || a.Group == w.Group {
				boots += max(a.Times, 1)
			}
		case "resume", "wake": // which reach all below
			if a.Group == "" || a.Group == w.Group || s.Below(w.Group, a.Group) {
				boots += max(a.Times, 1)
			}
		}
	}
	for range boots {
		w.Boots = append(w.Boots, drawBoot(g.Boot, runtime, provider, rand))
	}
	return w, nil
}

// drawBoot draws a cold boot from the profiles, and then puts in what the scenario fixes. It takes the same number of
// values from rand whatever is fixed, so that fixing one boot does not change another.
func drawBoot(fixed *scenarios.Boot, r fakeprovider.Runtime, p fakeprovider.Provider, rand func() uint64) Boot {
	drawn := fakeprovider.SampleBoot(r, p, rand)
	b := Boot{
		ImagePull:  Duration(drawn.Takes[fakeprovider.ImagePull]),
		AgentStart: Duration(drawn.Takes[fakeprovider.AgentStart]),
		Preflight:  Duration(drawn.Takes[fakeprovider.Preflight]),
	}
	answered := false
	for range maxRefusals {
		if p.SampleAnswer(rand) == fakeprovider.Answered {
			answered = true
		} else if !answered {
			b.Refusals++
		}
	}
	if fixed == nil {
		return b
	}
	b.Dies = fixed.Dies
	if fixed.Total > 0 || fixed.Preflight > 0 {
		b.Refusals = 0 // what is fixed is meant to be met
	}
	free := []*Duration{}
	left := fixed.Total
	for _, phase := range []struct {
		value *Duration
		fixed Duration
	}{{&b.ImagePull, fixed.ImagePull}, {&b.AgentStart, fixed.AgentStart}, {&b.Preflight, fixed.Preflight}} {
		if phase.fixed > 0 {
			*phase.value = phase.fixed
			left -= phase.fixed
		} else {
			free = append(free, phase.value)
		}
	}
	if fixed.Total > 0 {
		share(max(left, 0), free)
	}
	return b
}

// share divides the whole among the phases in proportion to what was drawn for them.
func share(whole Duration, phases []*Duration) {
	var drawn Duration
	for _, d := range phases {
		drawn += *d
	}
	left := whole
	for i, d := range phases {
		part := left
		if i < len(phases)-1 && drawn > 0 {
			part = Duration(time.Duration(float64(whole) * float64(*d) / float64(drawn)).Round(time.Millisecond))
		}
		*d = min(part, left)
		left -= *d
	}
}
