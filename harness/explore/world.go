package explore

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/rules"
	"github.com/bootrace/bootrace/harness/sim"
)

// world makes states of states.
type world struct {
	bounds   Bounds
	table    *rules.Rules // what is judged by
	handler  http.Handler
	ticks    []*program
	swallows bool
	probe    *probe
	ids      []uuid.UUID

	nodes     uint64
	programs  map[asked]*program
	allRows   map[uint64]*rows
	allFleets map[uint64]*fleet
	allMinds  map[uint64]*mind
	enc       encoder

	trace *trace // nil but where a path is told
}

// asked is what tells the programs of requests apart.
type asked struct {
	call    string
	space   int8
	token   string
	attempt int8 // of calls that draw
	sick    bool
}

// secret is what tokens are derived from.
var secret = []byte("bootrace exploration")

// settings are the controller's, with the world's short times. A launch's lease is over within the budget.
func settings() controller.Settings {
	return controller.Settings{
		ProvisionTimeout: budget, LivenessTTL: ttl, ExternalTTL: ttl, LaunchTimeout: 10 * time.Second,
	}.WithDefaults()
}

// newWorld deploys the target and returns the world with its workspaces created.
func newWorld(target sim.Target, b Bounds, t *trace) (*world, *state, *Violation, error) {
	deployment := target.Deploy()
	w := &world{
		bounds: b, table: rules.Must(target.JudgedBy()), swallows: deployment.SwallowingAgents,
		probe: &probe{numbers: map[uuid.UUID]int{}}, programs: map[asked]*program{},
		allRows: map[uint64]*rows{}, allFleets: map[uint64]*fleet{},
		allMinds: map[uint64]*mind{}, trace: t,
	}
	if deployment.Recall != nil {
		deployment.Recall(w.probe)
	}
	built, err := deployment.Start(controller.Config{
		Store: w.probe, Cloud: cloudProbe{w.probe}, Settings: settings(), Secret: secret, Clock: w.probe, Entropy: &w.probe.draw,
		Each: func(ctx context.Context, n int, do func(context.Context, int)) {
			for i := range n {
				do(ctx, i)
			}
		},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	w.handler = built.Handler
	if len(built.Ticks) > maxTicks {
		return nil, nil, nil, fmt.Errorf("explore: the controller has %d ticks; there is room for %d", len(built.Ticks), maxTicks)
	}
	for _, t := range built.Ticks {
		w.ticks = append(w.ticks, &program{call: t.Name, tick: t.Run})
	}
	s := &state{
		rows: w.internRows(memory.New(deployment.Table, nil)), fleet: w.internFleet(fakeprovider.NewInventory()),
		acts: uint8(b.Acts), faults: uint8(b.Faults), stalls: uint8(b.Stalls),
	}
	if deployment.Recall != nil {
		s.mind = w.internMind(newMind())
	}
	for r := range b.Replicas {
		for i := range w.ticks {
			s.turns[r][i] = uint8(b.Sweeps)
		}
	}
	for i := range s.memo {
		s.memo[i].proved = -1
	}
	for n := 1; n <= b.Workspaces+b.External; n++ {
		var v *Violation
		if s, v, err = w.create(s, n, n > b.Workspaces); err != nil || v != nil {
			return w, s, v, err
		}
	}
	return w, s, nil, nil
}

// create has the operator create a workspace, before anything else.
func (w *world) create(s *state, number int, external bool) (*state, *Violation, error) {
	body, err := json.Marshal(wire.CreateRequest{Name: fmt.Sprintf("w%d", number), External: external})
	if err != nil {
		return nil, nil, err
	}
	p := &program{call: "create", salt: byte(number << 5), request: &agent.Request{
		Call: "create", Method: http.MethodPost, Path: wire.PathWorkspaces, Body: body,
	}}
	c := s.clone()
	c.faults = 0 // not yet
	// Its id is the first thing that it draws.
	w.probe.draw.reset(p.salt)
	id, err := uuid.NewRandomFromReader(&w.probe.draw)
	if err != nil {
		return nil, nil, err
	}
	w.ids = append(w.ids, id)
	w.probe.numbers[id] = number
	c.tasks = append(c.tasks, task{node: w.start(p, c.now), who: anOperator, space: int8(number), life: -1, seen: 1 << lifecycle.None})
	var v *Violation
	last := c.tasks[0].node
	for len(c.tasks) > 0 && v == nil {
		n := c.tasks[0].node
		if c, v = w.proceed(c, 0, plainly); v == nil && n.op != nil {
			last = n
		}
	}
	if v != nil {
		return c, v, nil
	}
	c.faults = s.faults
	var reply wire.CreateReply
	for _, end := range last.next {
		if err := json.Unmarshal(end.end.response.Body, &reply); err != nil || reply.ID != id.String() {
			return nil, nil, fmt.Errorf("explore: creating a workspace was answered with %d %s", end.end.response.Code, end.end.response.Body)
		}
	}
	if external {
		var token string
		if reply.Connection != nil {
			token = reply.Connection.AuthToken
		}
		w.begin(c, number, 1, "", token, plainly)
	}
	return c, nil, nil
}

// begin begins a cold boot.
func (w *world) begin(c *state, space, inc int, machine, token string, how variant) {
	l := life{
		machine: machine, space: int8(space), inc: int8(inc), booting: true, left: int8(w.bounds.Beats), wake: c.now + quickBoot,
		dies: how == stillborn,
		agent: agent.New(agent.Config{
			WorkspaceID: w.ids[space-1].String(), Token: token, URL: operator.AgentURL(space), Interval: interval,
			Swallow: w.swallows,
		}),
	}
	if c.settling {
		l.left = -1
	}
	if how == slowly {
		l.wake = c.now + slowBoot
	}
	c.lives = append(c.lives, l)
}

// request returns the program of an agent's next call; a sick heartbeat reports errors.
func (w *world) request(l *life, sick bool) *program {
	q := asked{call: "heartbeat", space: l.space, token: l.agent.Token, sick: sick}
	if l.agent.Registers() {
		q.call = "register"
		if q.token == "" {
			q.attempt = l.calls + 1
		}
	}
	p := w.programs[q]
	if p == nil {
		report := agent.Report{}
		if sick {
			report = agent.Report{ErrorRate: 0.8, SampleError: "the provider answers nonsense"}
		}
		r := l.agent.Call(report)
		p = &program{call: q.call, request: &r, salt: byte(q.attempt)<<3 | byte(q.space)}
		w.programs[q] = p
	}
	return p
}

// does are the operator's acts, and what a stray agent does.
var does = []string{"delete", "restart", "pause", "resume", "hibernate", "bootstrap-failed", "stray heartbeat", "stray register"}

// isStray reports whether the act is a stray agent's.
func isStray(do string) bool { return do == "stray heartbeat" || do == "stray register" }

// strayID is what nobody created.
var strayID = uuid.MustParse("00000000-0000-4000-8000-000000000bad")

// operation returns the program of an act.
func (w *world) operation(do string, space int8) *program {
	q := asked{call: do, space: space}
	p := w.programs[q]
	if p != nil {
		return p
	}
	var r agent.Request
	if isStray(do) {
		stray := agent.New(agent.Config{WorkspaceID: strayID.String(), URL: "http://stray.internal:8000", SkipRegister: do == "stray heartbeat"})
		r = stray.Call(agent.Report{})
	} else {
		r = operator.Request(w.ids[space-1].String(), do)
	}
	p = &program{call: r.Call, request: &r, salt: 7}
	w.programs[q] = p
	return p
}
