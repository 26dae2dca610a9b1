package linear

import (
	"fmt"
	"slices"
	"strings"

	"github.com/anishathalye/porcupine"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/rules"
)

// state is where a workspace may be. It is comparable.
type state struct {
	status lifecycle.Status
	inc    uint8
	// ghosts are the incarnations whose agents sent calls that may take effect at any time, a bit each.
	ghosts uint64
	// pending counts the operator's calls that may take effect at any time, by their place in begins.
	pending [pendingKinds]uint8
	// open are the operator's calls that are under way and take several steps, likewise.
	open [pendingKinds]progress
}

// progress is how far a call of several steps has come.
type progress uint8

const (
	closed  progress = iota // none is under way
	opened                  // it has written nothing yet
	written                 // it has written something, and may do so again
)

// input is what was asked; output is what was answered.
type input struct {
	call     string
	agent    bool
	inc      int
	external bool
	create   lifecycle.Event
}

type output struct {
	code int
	says string
}

// Calls of the model that are none of the wire's: a call that got no clear answer, and a look at what is stored.
const (
	callGhost = "ghost "
	callOpen  = "open " // the beginning of one that takes several steps
	callRead  = "read"
)

// between are the statuses that a correct controller may show between two steps of a call, beside those that the call leads to.
// A call that is not here shows none; one that is may also write its last status more than once, so that what an agent's call
// wrote in between is overwritten. The reference controller's calls are one step each.
var between = map[string][]lifecycle.Status{
	"create":    {lifecycle.Provisioning, lifecycle.AwaitingAgent},
	"restart":   {lifecycle.Offline},
	"resume":    nil,
	"pause":     nil,
	"hibernate": {lifecycle.Offline},
	"delete":    nil,
}

// operatorCalls are the calls that may be pending, and what each may do. The order is that of state.pending.
var operatorCalls = []struct {
	call   string
	events []lifecycle.Event
}{
	{"create", []lifecycle.Event{lifecycle.Create, lifecycle.CreateExternal, lifecycle.CreateAwaiting}},
	{"restart", []lifecycle.Event{lifecycle.Restart, lifecycle.Wake}},
	{"resume", []lifecycle.Event{lifecycle.Resume, lifecycle.Wake, lifecycle.ResumeExternal}},
	{"pause", []lifecycle.Event{lifecycle.Pause}},
	{"hibernate", []lifecycle.Event{lifecycle.Hibernate}},
	{"delete", []lifecycle.Event{lifecycle.Remove}},
	{"bootstrap-failed", []lifecycle.Event{lifecycle.BootstrapFailed}},
}

const pendingKinds = 7

// maxPending bounds how many unanswered calls of a kind are distinguished: more than one restart, and one of them late, is
// already more than anybody has seen.
const maxPending = 4

func operatorCall(call string) int {
	for i := range operatorCalls {
		if operatorCalls[i].call == call {
			return i
		}
	}
	return -1
}

// internal are the events that sweeps and ticks bring about by themselves.
var internal = []lifecycle.Event{lifecycle.ProvisionTimeout, lifecycle.LaunchFailed, lifecycle.Silence, lifecycle.MachineStopped}

var beats = []lifecycle.Event{lifecycle.Beat, lifecycle.BeatRough, lifecycle.BeatSick}

// model is one workspace, by the table.
type model struct {
	table *rules.Rules
	// steps lets calls take several steps, and leaves it to others whose calls count: for a controller whose rows are out of sight.
	steps bool
}

// apply returns the state after the event, where the table has an edge for it.
func (m model) apply(s state, e lifecycle.Event, external bool) (state, bool) {
	if external && (e == lifecycle.Resume || e == lifecycle.Wake || e == lifecycle.Restart) || !external && e == lifecycle.ResumeExternal {
		return s, false
	}
	to, ok := m.table.Next(e, s.status)
	if !ok {
		return s, false
	}
	if s.status == lifecycle.None || m.table.Begins(e) {
		s.inc++
	}
	s.status = to
	return s, true
}

// closure returns every state that the workspace can get to from these without another call.
func (m model) closure(from state, in input) []state {
	all := []state{from}
	add := func(s state, ok bool) {
		if ok && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for i := 0; i < len(all); i++ { //nolint:intrange // it grows
		s := all[i]
		for _, e := range internal {
			add(m.apply(s, e, in.external))
		}
		if s.status == lifecycle.Offline && m.table.Policies().RestartsOffline > 0 {
			add(m.apply(s, lifecycle.Restart, in.external))
		}
		if s.ghosts&(1<<s.inc) != 0 || s.ghosts&1 != 0 || in.external && s.ghosts != 0 {
			add(m.apply(s, lifecycle.Register, in.external))
			for _, e := range beats {
				add(m.apply(s, e, in.external))
			}
		}
		for k := range s.open {
			for _, next := range m.advance(s, k, in) {
				add(next, true)
			}
		}
		for k, n := range s.pending {
			if n == 0 {
				continue
			}
			spent := s
			spent.pending[k]--
			for _, e := range operatorCalls[k].events {
				if operatorCalls[k].call == "create" && e != in.create {
					continue
				}
				add(m.apply(spent, e, in.external))
			}
		}
	}
	return all
}

// advance returns what another step of the k-th of the operator's calls can make of the state, where one is under way.
func (m model) advance(s state, k int, in input) []state {
	if s.open[k] == closed {
		return nil
	}
	call := operatorCalls[k].call
	var after []state
	step := func(to state) {
		if s.open[k] == written {
			to.inc = s.inc // it is the same boot still
		}
		to.open[k] = written
		after = append(after, to)
	}
	for _, e := range operatorCalls[k].events {
		if call == "create" && e != in.create {
			continue
		}
		if next, ok := m.apply(s, e, in.external); ok {
			step(next)
		}
	}
	if s.status == lifecycle.Removed || (s.status == lifecycle.None) != (call == "create") {
		return after
	}
	for _, status := range between[call] {
		next := s
		next.status = status
		if s.status == lifecycle.None {
			next.inc++
		}
		step(next)
	}
	return after
}

// step returns the states after the call was answered so, out of one state. None means that it cannot have been.
func (m model) step(before state, in input, out output) []state {
	if call, ok := strings.CutPrefix(in.call, callGhost); ok {
		return []state{m.haunt(before, call, in)}
	}
	if call, ok := strings.CutPrefix(in.call, callOpen); ok {
		before.open[operatorCall(call)] = opened
		return []state{before}
	}
	var after []state
	for _, s := range m.closure(before, in) {
		after = append(after, m.answer(s, in, out)...)
	}
	return after
}

// haunt notes that a call may take effect from now on.
func (m model) haunt(s state, call string, in input) state {
	if in.agent {
		s.ghosts |= 1 << min(in.inc, 63)
	} else if k := operatorCall(call); k >= 0 && s.pending[k] < maxPending {
		s.pending[k]++
	}
	return s
}

// answer returns what can become of the state when the call is answered so at this very moment.
func (m model) answer(s state, in input, out output) []state {
	gone := s.status == lifecycle.None || s.status == lifecycle.Removed
	switch {
	case in.call == callRead:
		if s.status.String() == out.says {
			return []state{s}
		}
		return nil
	case out.code == 410, out.code == 404 && in.call != "hibernate" && in.call != "resume" && in.call != "pause":
		// The original says 404 as well where an operator's call does not apply.
		if !gone {
			return nil
		}
		return []state{s}
	case out.code/100 != 2:
		return []state{s}
	case in.agent:
		return m.proof(s, in, gone)
	}
	return m.operated(s, in, gone)
}

// proof accepts a proof of life.
func (m model) proof(s state, in input, gone bool) []state {
	if gone || in.inc != 0 && in.inc != int(s.inc) && !in.external && !m.steps {
		return nil
	}
	events := beats
	if in.call == "register" {
		events = []lifecycle.Event{lifecycle.Register}
	}
	var after []state
	if m.table.Policies().OnlineAfter > 1 && !m.table.Converged(s.status) {
		after = append(after, s) // one proof more, and not enough yet
	}
	for _, e := range events {
		if next, _ := m.apply(s, e, in.external); !slices.Contains(after, next) {
			after = append(after, next)
		}
	}
	return after
}

// operated carries out an operator's call that was granted.
func (m model) operated(s state, in input, gone bool) []state {
	switch in.call {
	case "create":
		if s.open[0] == written {
			s.open[0] = closed
			s.status, _ = m.table.Next(in.create, lifecycle.None)
			return []state{s}
		}
		if s.status != lifecycle.None {
			return []state{s} // a create that was tried again made a second workspace, which is none of this model's
		}
	case "bootstrap-failed":
		next, _ := m.apply(s, lifecycle.BootstrapFailed, in.external) // it says that it changed nothing, otherwise
		return []state{next}
	case "pause", "delete":
		if there := map[string]lifecycle.Status{"pause": lifecycle.Paused, "delete": lifecycle.Removed}[in.call]; s.status == there {
			s.open[operatorCall(in.call)] = closed
			return []state{s}
		}
	case "get", "state":
		if gone && in.call == "state" || s.status == lifecycle.None {
			return nil
		}
		return []state{s}
	}
	k := operatorCall(in.call)
	if k < 0 {
		return []state{s}
	}
	var after []state
	if s.open[k] == written && !slices.Contains(between[in.call], s.status) {
		done := s // the last step was before
		done.open[k] = closed
		after = append(after, done)
	}
	for _, e := range operatorCalls[k].events {
		if in.call == "create" && e != in.create {
			continue
		}
		next, ok := m.apply(s, e, in.external)
		if s.open[k] == written {
			next.inc = s.inc
		}
		next.open[k] = closed
		if ok && !slices.Contains(after, next) {
			after = append(after, next)
		}
	}
	return after
}

// porcupine makes porcupine's model of it.
func (m model) porcupine() porcupine.Model {
	n := porcupine.NondeterministicModel{
		Init: func() []any { return []any{state{}} },
		Step: func(s, in, out any) []any {
			states := m.step(s.(state), in.(input), out.(output))
			all := make([]any, len(states))
			for i := range states {
				all[i] = states[i]
			}
			return all
		},
		Hash: func(s any) uint64 {
			x := s.(state)
			h := uint64(x.status) | uint64(x.inc)<<8 | x.ghosts<<16
			for _, o := range x.open {
				h = h*31 + uint64(o)
			}
			return h
		},
		DescribeOperation: func(in, out any) string { return describe(in.(input), out.(output)) },
		DescribeState: func(s any) string {
			x := s.(state)
			name := x.status.String()
			if name == "" {
				name = "no workspace"
			}
			return fmt.Sprintf("%s, incarnation %d", name, x.inc)
		},
	}
	return n.ToModel()
}

// describe says what was asked and answered.
func describe(in input, out output) string {
	if in.call == callRead {
		return "it is said to be " + out.says
	}
	if call, ok := strings.CutPrefix(in.call, callOpen); ok {
		return call + " begins"
	}
	if call, ok := strings.CutPrefix(in.call, callGhost); ok {
		return call + whose(in) + " got no clear answer"
	}
	return fmt.Sprintf("%s%s got %d", in.call, whose(in), out.code)
}

func whose(in input) string {
	if !in.agent || in.inc == 0 {
		return ""
	}
	return fmt.Sprintf(" of incarnation %d", in.inc)
}
