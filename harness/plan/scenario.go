package plan

import (
	"fmt"
	"time"

	"github.com/bootrace/bootrace/scenarios"
)

// Scenario writes the plan as the scenario that a person would have written: resolved with the plan's seed, it takes the
// same course. It fails where a scenario cannot say what the plan does, such as a fault of two workspaces out of three.
func (p *Plan) Scenario(about string) (*scenarios.Scenario, error) {
	s := &scenarios.Scenario{Name: p.Name, About: about, Controllers: p.Controllers, Schedule: p.Schedule, Expect: p.Expect}
	if p.Settings != (Settings{}) {
		s.Settings = &scenarios.Settings{
			ProvisionTimeout: p.Settings.ProvisionTimeout, LivenessTTL: p.Settings.LivenessTTL,
			HeartbeatInterval: p.Settings.HeartbeatInterval, ProvisionSweepEvery: p.Settings.ProvisionSweepEvery,
			LivenessSweepEvery: p.Settings.LivenessSweepEvery, ExternalTTL: p.Settings.ExternalTTL,
			LaunchBatch: p.Settings.LaunchBatch, SweepBatch: p.Settings.SweepBatch, FirstTurns: p.Settings.FirstTurns,
		}
	}
	for i, w := range p.Workspaces {
		boot := w.Boots[0]
		names, ok := p.namesOf(i)
		if !ok || len(w.Boots) > 1 && w.Boots[1] != boot || boot.Refusals > 0 {
			return nil, fmt.Errorf("workspace %d boots as no group of a scenario does", i+1)
		}
		s.Fleet = append(s.Fleet, scenarios.Group{
			Name: w.Group, Provider: w.Provider, Runtime: w.Runtime, Count: 1, External: w.External, KnownURL: w.KnownURL,
			Parent: p.groupOf(w.Parent), ErrorPercent: w.ErrorPercent, Tasks: w.Tasks, SkipRegister: w.SkipRegister, CreateAt: w.CreateAt,
			SameNamesAs: names, RegisterOnce: w.RegisterOnce, IgnoresGone: w.IgnoresGone, BeatEvery: w.BeatEvery, BeatJitter: w.BeatJitter,
			Boot: &scenarios.Boot{ImagePull: boot.ImagePull, AgentStart: boot.AgentStart, Preflight: boot.Preflight, Dies: boot.Dies},
		})
	}
	for _, a := range p.Acts {
		s.Acts = append(s.Acts, scenarios.Act{At: a.At, Do: a.Do, Group: p.groupOf(a.Workspace)})
	}
	for i, f := range p.Faults {
		fault := scenarios.Fault{
			Kind: f.Kind, From: f.From, Until: f.Until, Replica: f.Replica, Calls: f.Calls, Nth: f.Nth, Percent: f.Percent,
			Delay: f.Delay, By: f.By, When: f.When,
		}
		switch len(f.Workspaces) {
		case 0:
		case 1:
			fault.Group = p.groupOf(f.Workspaces[0])
		default:
			return nil, fmt.Errorf("fault %d strikes some of the workspaces", i+1)
		}
		s.Faults = append(s.Faults, fault)
	}
	if p.Duration != Duration(p.Long().Truncate(time.Second)) {
		s.Duration = p.Duration
	}
	return s.Check()
}

// namesOf names the group under whose name the i-th workspace is created, where that is not its own. It is not ok where that is none.
func (p *Plan) namesOf(i int) (group string, ok bool) {
	w := p.Workspaces[i]
	if w.Name == w.Group+"-1" {
		return "", true
	}
	for _, o := range p.Workspaces[:i] {
		if o.Name == w.Name && o.Name == o.Group+"-1" {
			return o.Group, true
		}
	}
	return "", false
}

// groupOf names the group of a workspace; of a single one, and of none, none need be named.
func (p *Plan) groupOf(workspace int) string {
	if len(p.Workspaces) == 1 || workspace == 0 {
		return ""
	}
	return p.Workspaces[workspace-1].Group
}
