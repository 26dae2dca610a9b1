package linear

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/rules"
)

// Timeout is how long the search for an order may take, for each workspace.
const Timeout = 10 * time.Second

// Problem is a workspace whose replies have no legal order, or for which none was found in time.
type Problem struct {
	Workspace int
	// Unknown is set where the search took too long, so that nothing can be said.
	Unknown bool
	// Since is when the reply that fits in nowhere was asked for, and At when it came.
	Since, At history.Time
	What      string
}

// Check looks for a legal order of the replies about each workspace. It returns the problems, in the order of the
// workspaces, and how many replies it looked at.
func Check(p *plan.Plan, h *history.History, timeout time.Duration) (problems []Problem, replies int) {
	m := of(p).porcupine()
	for i := range p.Workspaces {
		ops := operations(p, h, i+1)
		replies += len(ops)
		result, info := porcupine.CheckOperationsVerbose(m, ops, timeout)
		switch result {
		case porcupine.Ok:
		case porcupine.Unknown:
			problems = append(problems, Problem{
				Workspace: i + 1, Unknown: true,
				What: fmt.Sprintf("no order of its %d replies was found in %s, and neither that there is none", len(ops), timeout),
			})
		default:
			problems = append(problems, blame(m, i+1, ops, info))
		}
	}
	return problems, replies
}

// of is the model that the plan's controller is held to. Where its rows are out of sight, nobody knows how many steps a call takes.
func of(p *plan.Plan) model {
	return model{table: rules.Must(p.Contract), steps: p.Live != nil && (p.Live.Steps || slices.Contains(p.Live.Unseen, history.Move.String()))}
}

// Draw writes porcupine's picture of the search for the workspace: one HTML file.
func Draw(w io.Writer, p *plan.Plan, h *history.History, workspace int) error {
	m := of(p).porcupine()
	_, info := porcupine.CheckOperationsVerbose(m, operations(p, h, workspace), Timeout)
	if err := porcupine.Visualize(m, info, w); err != nil {
		return fmt.Errorf("drawing the replies of workspace %d: %w", workspace, err)
	}
	return nil
}

// blame names the reply that fits in nowhere: of those that the longest legal order lacks, the one that came first.
func blame(m porcupine.Model, workspace int, ops []porcupine.Operation, info porcupine.LinearizationInfo) Problem {
	var longest []porcupine.Operation
	for _, partition := range info.PartialLinearizationsOperations() {
		for _, some := range partition {
			if len(some) > len(longest) {
				longest = some
			}
		}
	}
	placed := map[any]bool{}
	s := m.Init()
	for _, op := range longest {
		placed[op.Metadata] = true
		_, s = m.Step(s, op.Input, op.Output)
	}
	var left []porcupine.Operation
	for _, op := range ops {
		if !placed[op.Metadata] {
			left = append(left, op)
		}
	}
	odd := slices.MinFunc(left, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	return Problem{
		Workspace: workspace, Since: history.Time(odd.Call), At: history.Time(odd.Return),
		What: fmt.Sprintf("its replies have no legal order: %d of %d fit, after which it can only be %s, and then %s", len(longest),
			len(ops), possible(s), describe(odd.Input.(input), odd.Output.(output))),
	}
}

// possible names the statuses of the states that a workspace can be in.
func possible(states any) string {
	var names []string
	for _, s := range states.([]any) {
		name := s.(state).status.String()
		if name == "" {
			name = "not there"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " or ")
}

// Clients of a picture, one a line.
const (
	clientOperator = iota
	clientObserver
	clientAgents // and one more for each incarnation
)

// operations returns what was asked and answered about the workspace, as porcupine takes it.
func operations(p *plan.Plan, h *history.History, workspace int) []porcupine.Operation {
	w, above, steps := &p.Workspaces[workspace-1], p.Above(workspace), of(p).steps
	var ops []porcupine.Operation
	for i := range h.Events {
		e := &h.Events[i]
		if slices.Contains(above, e.WS) && e.Kind == history.Call && (e.Call == "pause" || e.Call == "resume" || steps && e.Call == "delete") && (e.Code == 0 || e.Code/100 == 2 || e.Code >= 500) {
			// It is about all below as well, and may take effect here at any time from now on.
			in := input{call: callGhost + e.Call, external: w.External, create: created(w)}
			ops = append(ops, porcupine.Operation{ClientId: client(e), Input: in, Call: int64(e.Sent), Return: int64(e.Sent), Metadata: i, Output: output{}})
			continue
		}
		if e.WS != workspace {
			continue
		}
		in := input{
			call: e.Call, agent: e.Actor == history.ActorAgent, inc: e.Inc, external: w.External, create: created(w),
		}
		op := porcupine.Operation{
			ClientId: client(e), Input: in, Output: output{code: e.Code, says: e.Says}, Call: int64(e.Sent), Return: int64(e.At), Metadata: i,
		}
		switch {
		case e.Kind == history.Reading && (e.Call == history.Feed || e.Call == "events"):
			continue // hearsay
		case e.Kind == history.Reading && e.Sent > 0 && e.To != lifecycle.None:
			in.call = callRead
			op.Input, op.Output = in, output{says: e.To.String()}
		case e.Kind != history.Call, e.Call == "list", e.Code == 429 && e.Replica == 0:
			continue // it says nothing of one workspace, or did not reach the controller
		case e.Code == 0 || e.Code >= 500:
			// It may take effect at any time from now on. What it then does is a move that the model makes by itself, so the
			// operation is over at once: one that stayed open would double the search for every call that was lost.
			in.call = callGhost + e.Call
			op.Input, op.Return = in, op.Call
		case steps && e.Actor == history.ActorOperator && e.Code/100 == 2 && takesSteps(e.Call):
			opens := op
			opening := in
			opening.call = callOpen + e.Call
			opens.Input, opens.Output, opens.Return, opens.Metadata = opening, output{}, op.Call, i+2*len(h.Events)
			ops = append(ops, opens)
		}
		ops = append(ops, op)
		if e.Kind == history.Call && e.Says != "" && e.Code/100 == 2 {
			// What the reply says is true at a moment between request and reply, but not at that at which the call took
			// effect: a hibernate is over when the machine has stopped.
			in.call = callRead
			says := op
			says.Input, says.Output, says.Metadata = in, output{says: e.Says}, i+len(h.Events)
			ops = append(ops, says)
		}
	}
	return ops
}

func takesSteps(call string) bool {
	_, ok := between[call]
	return ok
}

// created is the event that creates the workspace.
func created(w *plan.Workspace) lifecycle.Event {
	switch {
	case w.External && w.KnownURL:
		return lifecycle.CreateExternal
	case w.External:
		return lifecycle.CreateAwaiting
	default:
		return lifecycle.Create
	}
}

func client(e *history.Event) int {
	switch e.Actor {
	case history.ActorAgent:
		return clientAgents + min(e.Inc, math.MaxInt8)
	case history.ActorOperator:
		return clientOperator
	default:
		return clientObserver
	}
}
