package explore

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/sched"
)

// choice is one thing that may come next.
type choice struct {
	kind    choiceKind
	i       uint8 // a task, a tick, a life, or an act of does
	replica uint8
	space   uint8 // of an act
	how     variant
}

type choiceKind uint8

const (
	aStep  choiceKind = iota // of a task
	aTurn                    // of a tick begins
	anAct                    // of the operator
	aPause                   // nothing but time
	aCrash                   // of a replica
	aDeath                   // of a machine
)

// variant is how a step goes.
type variant uint8

const (
	plainly    variant = iota
	slowly             // what is launched boots past its budget
	stillborn          // what is launched never comes up; a fault
	failing            // the store fails before the call takes effect
	failed             // the store fails after it
	throttled          // the cloud does not do it
	refused            // the cloud will never do it
	unanswered         // the cloud does it, and the call runs into its deadline
	lost               // the request, or the reply
	sick               // the heartbeat reports errors
)

// costs reports whether the choice is a fault.
func (c choice) costs() bool {
	return c.kind == aCrash || c.kind == aDeath || c.kind == aStep && c.how >= stillborn || c.kind == anAct && isStray(does[c.i])
}

// Errors that faults give.
var (
	errStore      = &result{err: errors.New("store: connection lost")}
	errThrottled  = &result{err: cloud.ErrThrottled}
	errRefused    = &result{err: cloud.ErrRefused}
	errUnanswered = &result{err: context.DeadlineExceeded}
	errNoAnswer   = errors.New("no answer")
)

var anyWorkspace uuid.NullUUID

// choices appends what may come next.
func (w *world) choices(s *state, list []choice) []choice {
	faulty := s.faults > 0
	for i := range s.tasks {
		t := &s.tasks[i]
		one := choice{kind: aStep, i: uint8(i)}
		list = append(list, one)
		also := func(how variant) {
			one.how = how
			list = append(list, one)
		}
		switch o := t.node.op; {
		case t.over:
			also(lost)
		case o == nil:
		case o.memory != nil:
			if faulty {
				w.onTheWay(t, also)
			}
		case o.launches != nil:
			also(slowly)
			if faulty {
				for _, how := range []variant{stillborn, throttled, refused, unanswered} {
					also(how)
				}
			}
		case !faulty:
		case o.stops != "":
			also(throttled)
			also(unanswered)
		case o.store == nil:
			also(throttled)
		default:
			also(failing)
			if o.write {
				also(failed)
			}
			w.onTheWay(t, also)
		}
	}
	for r := range w.bounds.Replicas {
		for i := range w.ticks {
			if s.turns[r][i] > 0 && !w.ticking(s, r, i) {
				list = append(list, choice{kind: aTurn, i: uint8(i), replica: uint8(r)})
			}
		}
	}
	if s.acts > 0 {
		for space := range w.ids {
			for i, do := range does {
				if !isStray(do) && w.sensible(s, space+1, do) {
					list = append(list, choice{kind: anAct, i: uint8(i), space: uint8(space + 1)})
				}
			}
		}
	}
	if faulty {
		for i, do := range does {
			if isStray(do) {
				list = append(list, choice{kind: anAct, i: uint8(i)})
			}
		}
		for r := range w.bounds.Replicas {
			if slices.ContainsFunc(s.tasks, func(t task) bool { return int(t.replica) == r }) {
				list = append(list, choice{kind: aCrash, replica: uint8(r)})
			}
		}
		for i := range s.lives {
			if l := &s.lives[i]; l.machine != "" && l.lives() {
				list = append(list, choice{kind: aDeath, i: uint8(i)})
			}
		}
	}
	if (len(s.tasks) == 0 || s.stalls > 0) && w.next(s) >= 0 {
		list = append(list, choice{kind: aPause})
	}
	return list
}

// onTheWay lists what may become of an agent's call before the controller has done anything about it.
func (*world) onTheWay(t *task, also func(variant)) {
	if t.node.parent != nil || t.who != anAgent {
		return
	}
	also(lost)
	if t.node.program.call == "heartbeat" && !t.sick {
		also(sick)
	}
}

// sensible reports whether the act can do anything in the state: those that cannot are refused at once, whatever
// happens around them.
func (w *world) sensible(s *state, space int, do string) bool {
	r := w.row(s.rows, space)
	if r == nil || r.Status == lifecycle.Removed {
		return false
	}
	switch do {
	case "resume":
		return r.Status == lifecycle.Paused
	case "restart":
		return !r.External
	default:
		return true
	}
}

// ticking reports whether the replica's tick is under way.
func (w *world) ticking(s *state, replica, tick int) bool {
	return slices.ContainsFunc(s.tasks, func(t task) bool {
		return t.who == aTick && int(t.replica) == replica && int(t.tick) == tick
	})
}

// apply returns the state that the choice leads to, or what is wrong with the step.
func (w *world) apply(s *state, c choice) (*state, *Violation) {
	next := s.clone()
	if c.costs() {
		next.faults--
	}
	switch c.kind {
	case aStep:
		return w.proceed(next, int(c.i), c.how)
	case aTurn:
		next.turns[c.replica][c.i]--
		next.tasks = append(next.tasks, task{node: w.start(w.ticks[c.i], next.now), who: aTick, replica: c.replica, tick: c.i, life: -1, sent: next.now})
		w.trace.began(w, next, len(next.tasks)-1)
		if next.stalls == 0 { // nothing can come between its start and its first call that matters
			return w.proceed(next, len(next.tasks)-1, plainly)
		}
	case anAct:
		t := task{node: w.start(w.operation(does[c.i], int8(c.space)), next.now), who: anOperator, space: int8(c.space), life: -1, sent: next.now}
		if isStray(does[c.i]) {
			t.who = aStray
		} else {
			next.acts--
			t.seen = 1 << w.row(next.rows, int(c.space)).Status
		}
		next.tasks = append(next.tasks, t)
		w.trace.began(w, next, len(next.tasks)-1)
	case aPause:
		if len(next.tasks) > 0 {
			next.stalls--
		}
		next.now = w.next(s)
		w.wake(next)
	case aCrash:
		w.trace.crashed(next, int(c.replica))
		for i := len(next.tasks) - 1; i >= 0; i-- {
			if next.tasks[i].replica == c.replica {
				w.unanswer(next, i)
			}
		}
		if next.mind != nil {
			next.mind = w.internMind(next.mind.restarted(int(c.replica), next.now))
		}
	case aDeath:
		w.trace.died(next, &next.lives[c.i])
		inventory := next.fleet.inventory.Clone()
		inventory.Stop(next.lives[c.i].machine)
		next.fleet = w.internFleet(inventory)
		next.lives[c.i].dead = true
	}
	return next, nil
}

// wake has every agent that is due go on, up to its next call.
func (w *world) wake(c *state) {
	for i := range c.lives {
		l := &c.lives[i]
		for !l.dead && !l.dies && !l.calling && l.left != 0 && l.wake <= c.now && l.agent.Alive() {
			if l.booting {
				l.booting = false
				w.trace.booted(c, l)
			}
			step := l.agent.Next()
			switch step.Kind {
			case agent.Sleep:
				l.wake = c.now + step.For
				continue
			case agent.Stop:
				continue
			}
			p := w.request(l, false)
			if l.left > 0 {
				l.left--
				l.calls++
			}
			l.calling = true
			c.tasks = append(c.tasks, task{
				node: w.start(p, c.now), who: anAgent, life: int8(i), space: l.space, inc: l.inc, late: c.memo[l.space-1].removed,
				sent: c.now,
			})
			w.trace.began(w, c, len(c.tasks)-1)
		}
	}
}

// proceed takes the task a step on. It alters the state that it is given.
func (w *world) proceed(c *state, i int, how variant) (*state, *Violation) {
	t := &c.tasks[i]
	if t.over {
		return c, w.deliver(c, i, how == lost)
	}
	n := t.node
	o := n.op
	if o == nil {
		return c, w.ended(c, i)
	}
	var answer *result
	switch how {
	case sick:
		t.node, t.sick = w.start(w.request(&c.lives[t.life], true), t.sent), true
		return c, nil
	case lost:
		w.unanswer(c, i)
		return c, nil
	case failing:
		answer = errStore
	case throttled:
		answer = errThrottled
	case refused:
		answer = errRefused
	default:
		var v *Violation
		if answer, v = w.effect(c, t, how); v != nil {
			return c, v
		}
	}
	w.trace.stepped(w, c, t, how, answer)
	t.node = w.after(n, answer, c.now)
	if t.node.op == nil {
		return c, w.ended(c, i)
	}
	return c, nil
}

// effect has the call that the task stands at take effect, and returns what the task is told of it.
func (w *world) effect(c *state, t *task, how variant) (*result, *Violation) {
	o := t.node.op
	if o.memory != nil {
		m, answer := c.mind.after(o, int(t.replica))
		c.mind = w.internMind(m)
		return answer, nil
	}
	if o.store != nil {
		a := w.ask(c.rows, t.node)
		if v := w.moved(c, t, a); v != nil {
			return nil, v
		}
		if how == failed {
			return errStore, nil
		}
		return a.result, nil
	}
	var answer *result
	now := sched.Epoch.Add(c.now)
	if !o.write {
		answer = o.cloud(c.fleet.inventory, now)
	} else {
		inventory := c.fleet.inventory.Clone()
		answer = o.cloud(inventory, now)
		c.fleet = w.internFleet(inventory)
	}
	switch {
	case o.launches != nil && answer.ok:
		w.launched(c, o.launches, answer.machine.ID, how)
	case o.stops != "" && answer.ok:
		for j := range c.lives {
			if l := &c.lives[j]; l.machine == o.stops {
				w.trace.stopped(c, l)
				l.dead = true
			}
		}
	}
	if how == unanswered {
		return errUnanswered, nil
	}
	return answer, nil
}

func (w *world) launched(c *state, spec *cloud.Spec, machine string, how variant) {
	if space := w.owner(spec.WorkspaceID); space > 0 {
		w.begin(c, space, spec.Incarnation, machine, spec.Env[wire.EnvToken], how)
		w.trace.launched(c, &c.lives[len(c.lives)-1])
	}
}

// unanswer ends a task of which its caller hears nothing any more.
func (w *world) unanswer(c *state, i int) {
	t := c.tasks[i]
	w.trace.answered(w, c, &t, true)
	w.drop(c, i)
	if t.who == anAgent {
		l := &c.lives[t.life]
		l.agent.Answer(agent.Response{}, errNoAnswer)
		l.calling, l.wake = false, c.now
		w.wake(c)
	}
}

func (w *world) drop(c *state, i int) { c.tasks = slices.Delete(c.tasks, i, i+1) }

// ended takes a task from its end to its reply.
func (w *world) ended(c *state, i int) *Violation {
	t := &c.tasks[i]
	if t.node.end.panicked != "" {
		return violated("no-panic", int(t.space), "%s panicked: %s", t.node.program.call, t.node.end.panicked)
	}
	if t.who == aTick {
		w.drop(c, i)
		return nil
	}
	if v := w.replied(c, t); v != nil {
		w.trace.answered(w, c, t, false)
		return v
	}
	if c.faults > 0 && t.who == anAgent {
		t.over = true // its reply may yet be lost
		return nil
	}
	return w.deliver(c, i, false)
}

// deliver takes the reply to its caller, or loses it.
func (w *world) deliver(c *state, i int, lose bool) *Violation {
	if lose {
		w.unanswer(c, i)
		return nil
	}
	t := c.tasks[i]
	w.trace.answered(w, c, &t, false)
	w.drop(c, i)
	if t.who == anAgent {
		l := &c.lives[t.life]
		l.agent.Answer(t.node.end.response, nil)
		l.calling, l.wake = false, c.now
		w.wake(c)
	}
	return nil
}
