package foreign

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/plan"
)

// A scenario's times are meant for the contract's. A target has others, and not all are longer or shorter alike: a budget of
// 5s beside a TTL of 180s. So the plan's moments are unknowns, and what must hold between them are inequalities:
//
//   - what comes first comes first, and no closer than in proportion;
//   - a boot that ends within its budget takes the same part of the target's budget, and one that ends after it ends after the
//     target's, by as many sweeps;
//   - what agents and the network suffer lasts as many TTLs, sweeps and heartbeats.
//
// The earliest moments that satisfy all of them are the plan's. Where none do, the race cannot take place with these times.

// moment is an unknown: when something of the plan happens.
type moment struct {
	name     string
	at       time.Duration // by the contract's times
	scaled   time.Duration // by the target's
	because  *bound        // the inequality that put it there
	ofBudget bool          // the target decides when it is
}

// bound says that a moment comes no earlier than so long after another.
type bound struct {
	from, to *moment
	gap      time.Duration
}

// bootTimes are the moments of one boot.
type bootTimes struct {
	workspace, number   int // from 1
	begin               *moment
	preflight, end, due *moment // due is nil where the budget does not matter
}

// scaling are the unknowns of a plan.
type scaling struct {
	target     Target
	plan       *plan.Plan
	stretch    float64       // of what TTLs, sweeps and heartbeats make matter
	idle       time.Duration // after which nothing will happen by itself
	acts       map[time.Duration]*moment
	moments    []*moment
	bounds     []bound
	boots      []bootTimes
	contractOf func(runtime string) time.Duration
}

// scale moves the plan's times to the target's. Where that cannot be, it says why, and leaves the plan as it is.
func (t Target) scale(p *plan.Plan) string {
	contract := p.Times()
	ratio := func(target, contract time.Duration) float64 { return float64(target) / float64(contract) }
	s := &scaling{
		target: t, plan: p, acts: map[time.Duration]*moment{}, contractOf: contract.Budget,
		stretch: max(
			ratio(t.TTL, contract.LivenessTTL), ratio(t.ExternalTTL, contract.ExternalTTL), ratio(t.ProvisionSweep, contract.ProvisionSweepEvery),
			ratio(t.LivenessSweep, contract.LivenessSweepEvery), ratio(t.Heartbeat, contract.Heartbeat),
		),
	}
	s.idle = max(t.TTL, t.ExternalTTL) + t.ProvisionSweep + t.LivenessSweep + 2*t.Heartbeat + hops
	for i := range p.Workspaces {
		s.idle = max(s.idle, t.Budget(p.Workspaces[i].Runtime))
	}
	s.outline()
	if why := s.solve(); why != "" {
		return why
	}
	s.apply()
	return ""
}

// times multiplies a time.
func times(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// act is the moment of what the harness does at the time: all that it does at one time stays together.
func (s *scaling) act(at plan.Duration, name string) *moment {
	m := s.acts[time.Duration(at)]
	if m == nil {
		m = s.moment(time.Duration(at), name)
		s.acts[m.at] = m
	}
	return m
}

func (s *scaling) moment(at time.Duration, name string) *moment {
	m := &moment{name: name, at: at}
	s.moments = append(s.moments, m)
	return m
}

func (s *scaling) bound(from, to *moment, gap time.Duration) {
	if from != to {
		s.bounds = append(s.bounds, bound{from, to, gap})
	}
}

// exactly has the one moment come so long after the other.
func (s *scaling) exactly(from, to *moment, gap time.Duration) {
	s.bound(from, to, gap)
	s.bound(to, from, -gap)
}

// outline finds the moments of the plan, and what must hold between them.
func (s *scaling) outline() {
	p := s.plan
	s.act(0, "the start")
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		s.act(w.CreateAt, "the create of "+w.Name)
	}
	for _, a := range p.Acts {
		s.act(a.At, fmt.Sprintf("the %s of %s", a.Do, p.Workspaces[a.Workspace-1].Name))
	}
	for _, f := range p.Faults {
		s.act(f.From, "the start of the "+f.Kind)
		if f.Until > 0 {
			s.act(f.Until, "the end of the "+f.Kind)
		}
	}
	for i := range p.Workspaces {
		s.boot(i + 1)
	}
	s.sequence()
	for _, f := range p.Faults {
		s.suffering(f)
	}
	for _, b := range s.boots {
		s.surround(b)
	}
}

// begins are the moments that begin boots of the workspace, in order.
func (s *scaling) begins(number int) []*moment {
	w := &s.plan.Workspaces[number-1]
	all := []*moment{s.acts[time.Duration(w.CreateAt)]}
	for _, a := range s.plan.Acts {
		own := a.Workspace == number && slices.Contains([]string{"restart", "resume", "wake"}, a.Do)
		above := slices.Contains(s.plan.Above(number), a.Workspace) && slices.Contains([]string{"resume", "wake"}, a.Do)
		if own || above {
			all = append(all, s.acts[time.Duration(a.At)])
		}
	}
	slices.SortStableFunc(all, func(a, b *moment) int { return cmp.Compare(a.at, b.at) })
	return all
}

// boot adds the moments of the workspace's boots.
func (s *scaling) boot(number int) {
	w := &s.plan.Workspaces[number-1]
	for i, begin := range s.begins(number) {
		how := w.Boot(i + 1)
		from, to := s.contractOf(w.Runtime), s.target.Budget(w.Runtime)
		total, before := how.Total(), time.Duration(how.ImagePull+how.AgentStart)
		by := float64(to) / float64(from)
		least := min(by, s.stretch)
		b := bootTimes{workspace: number, number: i + 1, begin: begin}
		b.preflight = s.moment(begin.at+before, "the preflight of "+w.Name)
		b.end = s.moment(begin.at+total, "the end of the boot of "+w.Name)
		late := func(at time.Duration) time.Duration { // after the budget, by as many sweeps
			return to + min(times(at-from, s.stretch), s.idle)
		}
		switch {
		case w.External && total <= from: // no budget runs for it
			s.bound(begin, b.preflight, times(before, least))
			s.bound(b.preflight, b.end, times(total-before, least))
		case w.External:
			s.bound(begin, b.end, late(total))
			s.exactly(begin, b.preflight, min(times(before, by), late(total)))
		case total <= from && how.Dies == "":
			s.exactly(begin, b.preflight, times(before, by))
			s.exactly(begin, b.end, times(total, by))
		default:
			b.due = s.moment(begin.at+from, "the end of the budget of "+w.Name)
			b.due.ofBudget = true
			s.exactly(begin, b.due, to)
			if before <= from {
				s.exactly(begin, b.preflight, times(before, by))
			} else {
				s.bound(begin, b.preflight, late(before))
			}
			if total > from {
				s.bound(begin, b.end, late(total))
			} else {
				s.exactly(begin, b.end, times(total, by))
			}
			s.bound(b.preflight, b.end, 0)
		}
		s.outlasts(b, from, to)
		s.boots = append(s.boots, b)
	}
}

// outlasts keeps a fault of the cloud or of LLM providers that meets the boot going on past the budget, by as many sweeps, where it
// did, and ending before it with as much of the budget left, where it did.
func (s *scaling) outlasts(b bootTimes, from, to time.Duration) {
	for _, f := range s.plan.Faults {
		meets := time.Duration(f.From) < b.end.at && hits(f, b.workspace) && (strings.HasPrefix(f.Kind, "llm-") || strings.HasPrefix(f.Kind, "cloud-"))
		until := s.acts[time.Duration(f.Until)]
		switch past := time.Duration(f.Until) - b.begin.at - from; {
		case !meets || f.Until == 0:
		case past > 0:
			s.bound(b.begin, until, to+min(times(past, s.stretch), s.idle))
		default: // it ends with some of the budget left
			s.bound(until, b.begin, times(-past, float64(to)/float64(from))-to)
		}
	}
}

// sequence keeps what the harness does in order.
func (s *scaling) sequence() {
	var all []*moment
	for _, m := range s.acts {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *moment) int { return cmp.Compare(a.at, b.at) })
	for i := 1; i < len(all); i++ {
		s.bound(all[i-1], all[i], s.pause(all[i-1].at, all[i].at))
	}
}

// pause is how long it takes at the least between two things that the harness does. While somebody boots, that goes with the
// budgets; otherwise with the other times, and nothing has to be waited for by which nothing more happens.
func (s *scaling) pause(from, until time.Duration) time.Duration {
	by, least, booting := s.stretch, s.stretch, false
	for _, b := range s.boots {
		runtime := s.plan.Workspaces[b.workspace-1].Runtime
		of := float64(s.target.Budget(runtime)) / float64(s.contractOf(runtime))
		least = min(least, of)
		if b.begin.at < until && b.end.at > from {
			by, booting = min(by, of), true
		}
	}
	if booting {
		return times(until-from, by)
	}
	// A boot that ends within the pause leaves it to the agents.
	return max(min(times(until-from, by), s.idle), times(min(until-from, s.idle), least))
}

// suffering keeps what agents and the network suffer as long as TTLs, sweeps and heartbeats make it matter, from when the first
// agent is up that it hits.
func (s *scaling) suffering(f plan.Fault) {
	if f.Until == 0 || strings.HasPrefix(f.Kind, "llm-") || strings.HasPrefix(f.Kind, "cloud-") {
		return
	}
	since := s.acts[time.Duration(f.Until)]
	for _, b := range s.boots {
		if hits(f, b.workspace) && b.end.at < since.at {
			since = b.end
		}
	}
	if since.at < time.Duration(f.From) {
		since = s.acts[time.Duration(f.From)]
	}
	until := s.acts[time.Duration(f.Until)]
	s.bound(since, until, times(until.at-since.at, s.stretch))
}

func hits(f plan.Fault, workspace int) bool {
	return f.Workspaces == nil || slices.Contains(f.Workspaces, workspace)
}

// surround keeps a boot's moments before and after what the harness does to its workspace.
func (s *scaling) surround(b bootTimes) {
	own := []*moment{b.preflight, b.end}
	if b.due != nil {
		own = append(own, b.due)
	}
	runtime := s.plan.Workspaces[b.workspace-1].Runtime
	least := min(float64(s.target.Budget(runtime))/float64(s.contractOf(runtime)), s.stretch)
	around := func(at plan.Duration) {
		other := s.acts[time.Duration(at)]
		for _, m := range own {
			switch {
			case m.at < other.at:
				s.bound(m, other, min(times(other.at-m.at, least), s.idle))
			case m.at > other.at:
				s.bound(other, m, min(times(m.at-other.at, least), s.idle))
			}
		}
	}
	family := append(s.plan.Above(b.workspace), b.workspace)
	for _, a := range s.plan.Acts {
		if slices.Contains(family, a.Workspace) {
			around(a.At)
		}
	}
	for _, f := range s.plan.Faults {
		if hits(f, b.workspace) {
			around(f.From)
			if f.Until > 0 {
				around(f.Until)
			}
		}
	}
}

// solve finds the earliest moments that satisfy every bound, or says which cannot be satisfied together.
func (s *scaling) solve() string {
	const exact = time.Microsecond // as plans keep times
	for range len(s.moments) + 1 {
		moved := false
		for i := range s.bounds {
			b := &s.bounds[i]
			if at := b.from.scaled + b.gap; at > b.to.scaled+exact {
				b.to.scaled, b.to.because, moved = at, b, true
			}
		}
		if !moved {
			return ""
		}
	}
	return s.conflict()
}

// conflict names a moment that would have to come before itself.
func (s *scaling) conflict() string {
	at := s.moments[0]
	for _, m := range s.moments {
		if m.because != nil && m.scaled > at.scaled {
			at = m
		}
	}
	for range len(s.moments) { // back until it goes round in a circle
		if at.because == nil {
			break
		}
		at = at.because.from
	}
	names := []string{at.name}
	for m := at; m.because != nil; {
		if m = m.because.from; m == at {
			break
		}
		names = append(names, m.name)
	}
	if others := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == s.moments[0].name }); len(others) > 0 {
		names = others // what comes after the start is what cannot be
	}
	slices.Sort(names)
	return fmt.Sprintf("its race cannot take place with these times: %s cannot come in the order that it needs, with a budget of %s beside a TTL of %s",
		strings.Join(slices.Compact(names), " and "), s.target.Budget(s.plan.Workspaces[0].Runtime), s.target.TTL)
}

// apply writes the moments into the plan.
func (s *scaling) apply() {
	p := s.plan
	moved := func(at plan.Duration) plan.Duration { return exact(s.acts[time.Duration(at)].scaled) }
	for i := range p.Workspaces {
		w := &p.Workspaces[i]
		planned := *w
		w.Boots = nil
		for _, b := range s.boots {
			if b.workspace != i+1 {
				continue
			}
			how := planned.Boot(b.number)
			before := how.ImagePull + how.AgentStart
			into := exact(b.preflight.scaled - b.begin.scaled)
			boot := plan.Boot{Dies: how.Dies, AgentStart: into, Preflight: max(exact(b.end.scaled-b.begin.scaled)-into, 0)}
			if before > 0 {
				boot.ImagePull = exact(times(time.Duration(into), float64(how.ImagePull)/float64(before)))
				boot.AgentStart = into - boot.ImagePull
			}
			w.Boots = append(w.Boots, boot)
		}
		w.CreateAt = moved(w.CreateAt)
	}
	for i := range p.Acts {
		p.Acts[i].At = moved(p.Acts[i].At)
	}
	for i := range p.Faults {
		f := &p.Faults[i]
		if f.Kind == "llm-slow" {
			runtime := p.Workspaces[0].Runtime
			f.Delay = exact(times(time.Duration(f.Delay), float64(s.target.Budget(runtime))/float64(s.contractOf(runtime))))
		}
		if f.Until > 0 {
			f.Until = max(moved(f.Until), moved(f.From)+plan.Duration(time.Microsecond))
		}
		f.From = moved(f.From)
	}
}

// exact rounds a time to one that plans keep.
func exact(d time.Duration) plan.Duration { return plan.Duration(d.Round(time.Microsecond)) }
