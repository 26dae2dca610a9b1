package explore

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/plan"
)

// Step is one step of a schedule.
type Step struct {
	At   time.Duration `json:"at_ns"`
	Who  string        `json:"who"` // a call or a tick, and whose
	What string        `json:"what"`
}

// trace writes down what happens on a way. Its methods do nothing on nil, which is what it is while a search goes on.
type trace struct {
	history *history.History
	logs    []store.Transition
	steps   []Step
	plan    *plan.Plan
	told    bool // the step that is being taken
}

func newTrace(b Bounds) *trace {
	p := &plan.Plan{Name: "explored", Controllers: b.Replicas, Settings: plan.Settings{
		ProvisionTimeout: plan.Duration(budget), LivenessTTL: plan.Duration(ttl), HeartbeatInterval: plan.Duration(interval),
	}}
	for n := 1; n <= b.Workspaces+b.External; n++ {
		name := fmt.Sprintf("w%d", n)
		p.Workspaces = append(p.Workspaces, plan.Workspace{
			Name: name, Group: name, Provider: "kimi", Runtime: "claude-code", External: n > b.Workspaces,
			Boots: []plan.Boot{boot(quickBoot)},
		})
	}
	return &trace{history: &history.History{}, plan: p}
}

// boot is a cold boot of the length; what its phases take does not matter.
func boot(d time.Duration) plan.Boot {
	return plan.Boot{
		ImagePull: plan.Duration(10 * time.Second), AgentStart: plan.Duration(5 * time.Second),
		Preflight: plan.Duration(d - 15*time.Second),
	}
}

func (t *trace) add(c *state, e history.Event) {
	e.At = history.Time(c.now)
	t.history.Add(e)
}

func (t *trace) step(c *state, who, format string, args ...any) {
	t.steps = append(t.steps, Step{c.now, who, fmt.Sprintf(format, args...)})
}

// caller names whose task it is.
func caller(k *task) string {
	call := k.node.program.call
	switch k.who {
	case aTick:
		return fmt.Sprintf("%s of controller %d", call, k.replica+1)
	case anAgent:
		return fmt.Sprintf("%s of w%d, incarnation %d", call, k.space, k.inc)
	case aStray:
		return call + " of nobody's agent"
	default:
		return fmt.Sprintf("%s of w%d", call, k.space)
	}
}

func (t *trace) began(_ *world, c *state, i int) {
	if t == nil {
		return
	}
	k := &c.tasks[i]
	t.step(c, caller(k), "begins")
	if k.who == anOperator {
		t.plan.Acts = append(t.plan.Acts, plan.Act{At: plan.Duration(c.now), Do: k.node.program.call, Workspace: int(k.space)})
	}
}

func (t *trace) crashed(c *state, replica int) {
	if t == nil {
		return
	}
	t.step(c, fmt.Sprintf("controller %d", replica+1), "dies, and starts again")
	t.add(c, history.Event{Kind: history.Process, Replica: replica + 1, Phase: history.Ended})
	t.add(c, history.Event{Kind: history.Process, Replica: replica + 1, Phase: history.Started})
}

func (t *trace) machine(c *state, l *life, phase, what string) {
	t.step(c, "machine "+l.machine, "%s", what)
	t.add(c, history.Event{Kind: history.Machine, WS: int(l.space), Inc: int(l.inc), Machine: l.machine, Phase: phase})
}

func (t *trace) died(c *state, l *life) {
	if t != nil {
		t.machine(c, l, history.Died, "dies")
	}
}

func (t *trace) stopped(c *state, l *life) {
	if t != nil {
		t.machine(c, l, history.Terminated, "is terminated")
	}
}

func (t *trace) launched(c *state, l *life) {
	if t == nil {
		return
	}
	takes := l.wake - c.now
	what := fmt.Sprintf("is launched for w%d, incarnation %d; its boot takes %s", l.space, l.inc, takes)
	if l.dies {
		what = fmt.Sprintf("is launched for w%d, incarnation %d; its boot never ends", l.space, l.inc)
	}
	t.machine(c, l, history.Launched, what)
	w := &t.plan.Workspaces[l.space-1]
	for len(w.Boots) < int(l.inc) {
		w.Boots = append(w.Boots, boot(quickBoot))
	}
	w.Boots[l.inc-1] = boot(takes)
	if l.dies {
		w.Boots[l.inc-1].Dies = "preflight"
	}
}

func (t *trace) booted(c *state, l *life) {
	if t == nil {
		return
	}
	who := fmt.Sprintf("agent of w%d, incarnation %d", l.space, l.inc)
	t.step(c, who, "is up")
	e := history.Event{Kind: history.Boot, WS: int(l.space), Inc: int(l.inc), Machine: l.machine, Phase: history.PreflightDone}
	t.add(c, e)
	e.Kind, e.Phase = history.Agent, history.Started
	t.add(c, e)
}

// how says what went wrong with a step.
var hows = map[variant]string{
	failing: ", which fails before it takes effect", failed: ", which takes effect and reports an error",
	throttled: ", which the cloud refuses for now", refused: ", which the cloud refuses for good",
	unanswered: ", which takes effect and times out",
}

func (t *trace) stepped(w *world, c *state, k *task, how variant, r *result) {
	if t == nil {
		return
	}
	o := k.node.op
	with := ""
	if k.sick {
		with = " (with an error rate of 0.8)"
	}
	if t.told {
		t.told = false // with the move that it made
	} else {
		t.step(c, caller(k), "%s%s%s", o.name, with, hows[how])
	}
	if o.cloud == nil {
		return
	}
	e := history.Event{Kind: history.Cloud, Call: o.name, Sent: history.Time(c.now), Replica: int(k.replica) + 1, Machine: r.machine.ID}
	if errors.Is(r.err, cloud.ErrRefused) {
		e.Phase = history.Permanent
	}
	switch {
	case o.launches != nil:
		e.WS, e.Inc = w.owner(o.launches.WorkspaceID), o.launches.Incarnation
	case o.stops != "":
		m, err := c.fleet.inventory.Describe(o.stops)
		if err == nil {
			e.WS, e.Inc, e.Machine = w.owner(m.WorkspaceID), m.Incarnation, m.ID
		}
	default:
		return
	}
	if r.err != nil {
		e.Err = r.err.Error()
	}
	t.add(c, e)
}

// owner is the number of the workspace that a machine is for.
func (w *world) owner(id string) int {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return 0
	}
	return w.probe.numbers[parsed]
}

// answered is told of every request that ends; unheard where its caller gets no answer.
func (t *trace) answered(_ *world, c *state, k *task, unheard bool) {
	if t == nil || k.who == aTick {
		return
	}
	e := history.Event{
		Kind: history.Call, WS: int(k.space), Inc: int(k.inc), Call: k.node.program.call, Sent: history.Time(k.sent),
		Actor: history.ActorAgent,
	}
	if k.who == anOperator {
		e.Actor = history.ActorOperator
	}
	if k.node.op == nil {
		e.Code, e.Replica = k.node.end.response.Code, int(k.replica)+1
		e.Says, e.Token = operator.ReadReply(e.Call, k.node.end.response)
	}
	what := fmt.Sprintf("is answered %d", e.Code)
	switch {
	case unheard && e.Code > 0:
		e.Err, what = "the reply was lost", what+", and the reply is lost"
	case unheard:
		e.Err, what = history.TimedOut, "gets no answer"
	}
	t.step(c, caller(k), "%s", what)
	t.add(c, e)
}

func (t *trace) moved(_ *world, c *state, k *task, space int, from lifecycle.Status, is *store.Workspace) {
	if t == nil {
		return
	}
	by := k.node.program.call
	if from != lifecycle.None {
		t.step(c, caller(k), "%s: w%d goes from %s to %s", k.node.op.name, space, from, is.Status)
		t.told = true
	}
	t.add(c, history.Event{
		Kind: history.Move, WS: space, Inc: is.Incarnation, From: from, To: is.Status, By: by, ByInc: int(k.inc),
	})
}

func (t *trace) logged(log []store.Transition) {
	if t != nil {
		t.logs = append(t.logs, log...)
	}
}

// Story is a way to a violation, taken again and written down.
type Story struct {
	Steps []Step
	// Plan and History are what package invariant judges: the world of the search, told as if it had been simulated.
	Plan    *plan.Plan
	History *history.History
}

// Story takes the way again.
func (f *Found) Story(b Bounds) (*Story, error) {
	w, s, v, err := f.build(newTrace(b))
	if err != nil {
		return nil, err
	}
	for _, c := range f.path {
		if v != nil {
			break
		}
		var next *state
		if next, v = w.apply(s, c); next != nil {
			s = next
		}
	}
	if v == nil {
		w.trace.step(s, "from here", "nothing more goes wrong, and everybody has fair turns")
		marked := len(w.trace.steps)
		s = w.tell(s)
		w.trace.steps = w.trace.steps[:marked] // what comes now is routine
	}
	t := w.trace
	end := s.now
	for i := range t.history.Events {
		end = max(end, t.history.Events[i].At.D())
	}
	t.plan.Duration = plan.Duration(end)
	for _, l := range t.logs {
		t.history.Add(history.Event{
			At: history.Time(end), Kind: history.Log, WS: w.probe.numbers[l.WorkspaceID], Inc: l.Incarnation, Event: l.Event, From: l.From, To: l.To,
			Cause: l.Cause, Logged: history.Time(l.At.Sub(epoch)),
		})
	}
	t.history.Add(history.Event{At: history.Time(end), Kind: history.End})
	return &Story{Steps: t.steps, Plan: t.plan, History: t.history}, nil
}
