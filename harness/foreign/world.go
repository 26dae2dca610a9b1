package foreign

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
)

// world is one plan, carried out.
type world struct {
	session *Session
	plan    *plan.Plan
	began   time.Time
	members []*member
	life    context.Context //nolint:containedctx // it is the run's, which the control plane's hooks need
	fail    context.CancelCauseFunc

	reading chan struct{} // holds one: one look at a time
	known   watched

	mu       sync.Mutex // history, faults, and what members know
	tasks    sync.WaitGroup
	over     bool   // nothing may begin any more
	closed   bool   // nothing may be added to the history any more
	stray    string // the id that a stray agent calls for
	machines map[string]*machine
	history  history.History
	faults   *fault.Set
	oracle   *oracle.Random
}

// member is one workspace of the plan, as the world knows it.
type member struct {
	world  *world
	number int
	plan   *plan.Workspace

	// Guarded by the world's lock.
	id      string
	twins   []string
	begun   int              // boots that the operator asked for
	unclear string           // the last call that asked for one, while it had no clear answer
	machine *machine         // that runs
	rests   bool             // paused or hibernated, by what the operator was granted
	gone    bool             // deleted, likewise
	known   bool             // the target may have let an agent of it in
	stopped int              // how often the control plane was asked to stop a machine of it
	changed int              // how often it was seen to change its status, but for the better
	shows   lifecycle.Status // that was read last

	unlisted bool // the last list was odd about it; guarded by the world's reading
}

// Play carries out the plan and returns what happened. An error means that nothing can be said of the target: it names the
// call that failed.
func (s *Session) Play(ctx context.Context, p *plan.Plan) (*history.History, error) {
	playing, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := &world{
		session: s, plan: p, began: time.Now(), life: playing, fail: fail, machines: map[string]*machine{}, reading: make(chan struct{}, 1),
		oracle: oracle.NewRandom(p.Seed, "foreign/"+p.Name),
		known:  watched{seen: map[feedKey]bool{}, pending: map[string][]feedEntry{}},
	}
	w.faults = fault.NewSet(w, p.Faults)
	for i := range p.Workspaces {
		w.members = append(w.members, &member{world: w, number: i + 1, plan: &p.Workspaces[i]})
	}
	for _, m := range w.members {
		w.after(playing, time.Duration(m.plan.CreateAt), func() { w.create(playing, m) })
	}
	for _, a := range p.Acts {
		m := w.members[a.Workspace-1]
		w.after(playing, time.Duration(a.At), func() { w.act(playing, m, a.Do) })
	}
	w.schedule(playing)
	w.spawn(func() { w.watch(playing) })
	// What is measured is the harness's own machine. How slow the target's is cannot be seen from here.
	var slow hiccup.Series
	measured := func() {}
	if s.target.Network == nil { // on a network of a test's own, time is the test's as well
		meter := hiccup.Start(hiccup.Options{Report: slow.Add, Kernel: true, Machine: true})
		defer meter.Close()
		measured = func() { meter.Close() }
	}
	sleep(playing, time.Duration(p.Duration))
	err := context.Cause(playing)
	if err == nil {
		err = w.lastLook(playing)
	}
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
	fail(errOver)
	w.tasks.Wait()
	w.disown()
	w.clean(ctx)
	measured()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.measuredLocked(&slow)
	if err == nil {
		w.addLocked(history.Event{Kind: history.End})
	}
	w.closed = true
	return &w.history, err
}

// measuredLocked puts how slow this machine was among the events. Whoever calls it holds the lock.
func (w *world) measuredLocked(slow *hiccup.Series) {
	var end history.Time
	if n := len(w.history.Events); n > 0 {
		end = w.history.Events[n-1].At
	}
	w.history.Events = append(w.history.Events, slow.Events(func(t time.Time) time.Duration { return t.Sub(w.began) }, 1, end.D())...)
	slices.SortStableFunc(w.history.Events, func(a, b history.Event) int { return cmp.Compare(a.At, b.At) })
}

// lastLook reads the statuses with everybody still there, and not only once where there is no answer.
func (w *world) lastLook(ctx context.Context) error {
	for until := w.now() + w.session.patience; ; {
		err := w.read(ctx, time.Now())
		var call *CallError
		if err == nil || errors.As(err, &call) && call.Err == nil && !unsteady(call) {
			return err
		}
		if w.now() > until || !sleep(ctx, w.session.target.Poll) {
			return fmt.Errorf("target %s: %w", w.session.target.Name, err)
		}
	}
}

// disown forgets whose the workspaces are: the run is over.
func (w *world) disown() {
	w.session.mu.Lock()
	defer w.session.mu.Unlock()
	for _, m := range w.members {
		delete(w.session.owners, m.id)
	}
}

// spawn runs a task, unless the run is over.
func (w *world) spawn(task func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.tasks.Go(task)
	}
}

var errOver = errors.New("the run is over")

// ErrShutOut is the error of a plan whose agents are not the harness's to boot: the target lets none of them in.
var ErrShutOut = errors.New("the target refuses the harness's agents: it refused the first register of a new workspace, so it minted the token where " +
	"the harness cannot read it. Let the server ask for its machines here (--serve-cp ADDRESS), or play agents that run elsewhere (--boots none)")

// letIn ends the run where the first register of a workspace is refused of which nobody here can have a token: it would be so with
// all of them. A register before it that got no answer may have minted one.
func (c *caller) letIn(call, token string, code int) {
	w := c.world
	if c.actor != history.ActorAgent || c.ws < 1 || w.session.target.Boots == BootsTarget {
		return
	}
	m := w.members[c.ws-1]
	w.mu.Lock()
	defer w.mu.Unlock()
	if call == "register" && token == "" && !m.known && (code == http.StatusUnauthorized || code == http.StatusForbidden) && !w.session.wasLetIn() {
		w.fail(ErrShutOut)
	}
	if token != "" || code == 0 || code/100 == 2 || code >= 500 {
		m.known = true
	}
	if code/100 == 2 {
		w.session.letIn()
	}
}

// now is the time since the start of the run.
func (w *world) now() time.Duration { return time.Since(w.began) }

// add appends an event at the present time.
func (w *world) add(e history.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addLocked(e)
}

func (w *world) addLocked(e history.Event) {
	if w.closed {
		return
	}
	e.At = history.Time(max(w.now().Truncate(time.Microsecond), time.Microsecond)) // as exact as the encoding
	if e.Sent > 0 {                                                                // which says that the time is not exact, however early it is
		e.Sent = max(history.Time(e.Sent.D().Truncate(time.Microsecond)), history.Time(time.Microsecond))
	}
	if e.Kind == history.Reading && e.Sent == 0 {
		e.Sent = history.Time(time.Microsecond)
	}
	w.history.Add(e)
}

// after runs the task at a time since the start of the run.
func (w *world) after(ctx context.Context, at time.Duration, task func()) {
	w.spawn(func() {
		if sleep(ctx, at-w.now()) {
			task()
		}
	})
}

// sleep returns after d, or reports false when ctx is done.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// operator is who acts on the member.
func (w *world) operator(ctx context.Context, m *member) operator.Operator {
	o := operator.Operator{
		World: &caller{world: w, ctx: ctx, actor: history.ActorOperator, ws: m.number, member: m},
		Twins: &caller{world: w, ctx: ctx, actor: history.ActorOperator, ws: -m.number},
		ID:    m.workspace,
		URL:   w.session.agentURL,
	}
	if n := m.plan.Parent; n > 0 {
		o.Parent = w.members[n-1].workspace()
	}
	return o
}

// workspace is the member's id; empty while nobody knows it.
func (m *member) workspace() string {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return m.id
}

// know notes the ids of the workspaces that have the member's name: the first is the member's, others are its twins.
func (m *member) know(id string) {
	w := m.world
	w.mu.Lock()
	mine := m.id == ""
	switch {
	case mine:
		m.id = id
	case id != m.id && !slices.Contains(m.twins, id):
		m.twins = append(m.twins, id)
	}
	w.mu.Unlock()
	if !mine {
		return
	}
	w.session.own(id, m)
	w.session.claim(id)
}

func (w *world) create(ctx context.Context, m *member) {
	if n := m.plan.Parent; n > 0 && !w.members[n-1].awaited(ctx) {
		return
	}
	created := w.operator(ctx, m).Create(m.number, m.plan)
	if !created.Known {
		return
	}
	if m.plan.External {
		token := ""
		if created.Connection != nil {
			token = created.Connection.AuthToken
		}
		m.boot(1, launch{}, token)
	}
}

func (w *world) act(ctx context.Context, m *member, do string) {
	if m.awaited(ctx) {
		w.operator(ctx, m).Act(do)
	}
}

// awaited waits until the member's id is known, or reports false when ctx is done before.
func (m *member) awaited(ctx context.Context) bool {
	for m.workspace() == "" {
		if !sleep(ctx, 100*time.Millisecond) {
			return false
		}
	}
	return true
}

// answered is told of what the operator was answered, before anybody else is: where the harness boots the agents, a boot
// begins or ends with it.
func (m *member) answered(call string, r agent.Response) {
	switch call {
	case "create":
		var reply wire.CreateReply
		if r.Code == http.StatusCreated && json.Unmarshal(r.Body, &reply) == nil && reply.ID != "" {
			m.know(reply.ID)
		}
	case "list":
		var all []wire.Workspace
		if json.Unmarshal(r.Body, &all) != nil {
			return
		}
		for _, there := range all {
			if there.Name == m.plan.Name {
				m.know(there.ID)
			}
		}
	}
	if r.Code/100 != 2 {
		return
	}
	switch call {
	case "create", "list", "restart", "resume":
		if call == "list" && (m.booting() || m.world.session.client.spec.OnlyCreateTells) || m.workspace() == "" {
			return // what is found in the list was created by a call whose reply nobody has
		}
		for _, each := range m.reached(call) {
			token := ""
			if each == m {
				token = handedOut(r)
			}
			each.wakes(token)
		}
	case "pause", "hibernate", "delete":
		for _, each := range m.reached(call) {
			each.ends(call)
		}
	}
}

// reached are the members that a call about this one is about as well: a pause is one of all below it that are there, and a
// resume of those that rest.
func (m *member) reached(call string) []*member {
	all := []*member{m}
	if call != "pause" && call != "resume" {
		return all
	}
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	for _, n := range m.world.plan.Below(m.number) {
		below := m.world.members[n-1]
		if below.id != "" && !below.gone && (call == "pause" || below.rests) {
			all = append(all, below)
		}
	}
	return all
}

// booted reports whether the harness boots the member's machines.
func (m *member) booted() bool {
	return !m.plan.External && m.world.session.target.Boots == BootsHarness
}

// wakes begins another boot of the member, with the token where the target has given one.
func (m *member) wakes(token string) {
	m.world.mu.Lock()
	m.rests = false
	m.world.mu.Unlock()
	if m.booted() {
		m.stop(history.Terminated)
		m.boot(m.begins(), launch{}, token)
	}
}

// ends ends the member's machine: it is put to rest, or deleted.
func (m *member) ends(call string) {
	m.world.mu.Lock()
	m.rests, m.gone = call != "delete", call == "delete"
	m.world.mu.Unlock()
	if m.booted() {
		m.stop(history.Terminated)
	}
}

// asks counts a boot that is asked for where the target boots: its launch may come before the answer. One that is tried
// again is the same.
func (m *member) asks(call string) {
	if m.world.session.target.Boots != BootsTarget || call != "create" && call != "restart" && call != "resume" {
		return
	}
	all := m.reached(call)
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	for _, each := range all {
		if each.unclear != call && !each.plan.External {
			each.begun++
			each.unclear = call
		}
	}
}

// settled takes back what was asked for where it was refused.
func (m *member) settled(call string, code int) {
	if code == 0 || code >= 500 {
		return
	}
	all := m.reached(call)
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	for _, each := range all {
		if each.unclear != call {
			continue
		}
		each.unclear = ""
		if code/100 != 2 {
			each.begun--
		}
	}
}

// begins counts one more boot that was asked for, and returns its incarnation.
func (m *member) begins() int {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	m.begun++
	return m.begun
}

func (m *member) booting() bool {
	m.world.mu.Lock()
	defer m.world.mu.Unlock()
	return m.begun > 0
}

// Choose implements fault.World.
func (w *world) Choose(p oracle.Point, n uint64) uint64 {
	if n <= 1 {
		return 0
	}
	return w.oracle.Choose(p, n)
}

// Now implements fault.World.
func (w *world) Now() time.Duration { return w.now() }

// Struck implements fault.World. It runs under the lock, as everything does that asks the faults.
func (w *world) Struck(f *fault.Fault, workspace int) {
	w.addLocked(history.Event{Kind: history.Fault, Fault: f.Number, WS: workspace, Phase: history.Struck})
}

// schedule writes the starts and ends of the faults into the history, and lets those strike that need nobody to pass by.
func (w *world) schedule(ctx context.Context) {
	for _, x := range w.faults.All {
		begun := make(chan struct{})
		w.after(ctx, time.Duration(x.From), func() {
			defer close(begun)
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Started})
			switch x.Kind {
			case "stray-agent":
				w.strike(x, 0)
				w.strayAgent(ctx)
			default:
				if do := upon[x.Kind]; do != nil {
					for _, m := range w.members {
						if x.Hits(m.number) && do(m) {
							w.strike(x, m.number)
						}
					}
				}
			}
		})
		w.after(ctx, x.End(), func() {
			select { // a timer may be late
			case <-begun:
			case <-ctx.Done():
				return
			}
			w.add(history.Event{Kind: history.Fault, Fault: x.Number, Phase: history.Ended})
			if x.Kind == "agent-oom" {
				for _, m := range w.members {
					if x.Hits(m.number) {
						m.feed()
					}
				}
			}
		})
	}
}

// upon is what the faults do to machines at once, by kind; each reports whether there was one.
var upon = map[string]func(*member) bool{
	"machine-death": (*member).die,
	"machine-restart": func(m *member) bool {
		b := m.kill()
		if b != nil {
			b.again()
		}
		return b != nil
	},
	"agent-oom": (*member).starve,
}

func (w *world) strike(x *fault.Fault, workspace int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults.Strike(x, workspace)
}

// strayAgent runs an agent for an id that nobody created, until somebody notices and stops it.
func (w *world) strayAgent(ctx context.Context) {
	id := w.session.target.strayID()
	w.mu.Lock()
	w.stray = id
	w.mu.Unlock()
	const beats = 5
	ctx, cancel := context.WithTimeout(ctx, beats*w.plan.Settings.Heartbeat())
	defer cancel()
	b := &machine{member: &member{world: w, plan: &plan.Workspace{}}, ctx: ctx}
	b.caller = &caller{world: w, ctx: ctx, actor: history.ActorAgent, kept: map[string]string{}}
	agent.Run(b, agent.Config{WorkspaceID: id, Interval: w.plan.Settings.Heartbeat(), URL: w.session.agentURL})
}

// broken ends the run: the target has answered in a way that says nothing of it.
func (w *world) broken(err error) {
	w.fail(fmt.Errorf("target %s: %w", w.session.target.Name, err))
}
