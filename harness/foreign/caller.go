package foreign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
)

// caller is somebody who calls the target: an agent or the operator. What comes of each call is in the history.
type caller struct {
	world  *world
	ctx    context.Context //nolint:containedctx // it is the caller's life, and agent.World has no other place for it
	actor  string
	ws     int // an agent's own number and incarnation
	inc    int
	member *member // whom an operator's call is about; nil where nobody is to be told

	kept map[string]string // what the agent's process was told to keep; guarded by the world's lock
	held time.Duration     // how long the target held the last heartbeat
}

// errTimeout is what a caller sees whose request or reply was lost.
var errTimeout = errors.New(history.TimedOut)

// Sleep implements operator.World.
func (c *caller) Sleep(d time.Duration) bool { return sleep(c.ctx, d) }

// Call carries out the request, as far as the plan's faults let it.
func (c *caller) Call(q agent.Request) (agent.Response, error) {
	w := c.world
	if c.actor == history.ActorOperator {
		q.Token = w.session.target.Token
		// Nobody here means the children when it deletes a parent: a server may take the word for that.
		q.Path = strings.TrimSuffix(q.Path, "?confirm=true")
	}
	w.mu.Lock()
	sent := w.now()
	fate := w.faults.Network(c.actor, q.Call, c.ws, 1)
	w.mu.Unlock()
	timeout := w.session.client.timeout(q.Call)
	if q.Call == dialect.Heartbeat && w.session.client.spec.Holds > 0 {
		defer func() { c.held = w.now() - sent }()
	}
	giveUp := func() (agent.Response, error) {
		sleep(c.ctx, sent+timeout-w.now())
		return agent.Response{}, errTimeout
	}
	switch {
	case fate.Limited:
		r := agent.Response{Code: http.StatusTooManyRequests}
		if fate.RetryAfter > 0 {
			r.RetryAfter = strconv.Itoa(int(fate.RetryAfter / time.Second))
		}
		c.record(q.Call, sent, r, "by a rate limiter on the way")
		return r, nil
	case fate.LoseRequest:
		r, err := giveUp()
		c.record(q.Call, sent, r, errTimeout.Error())
		return r, err
	}
	if fate.Duplicate {
		w.after(c.ctx, sent+fate.DuplicateAfter, func() { c.forget(q, sent, fault.Fate{}, "a duplicate; nobody waits for its reply") })
	}
	if fate.Delay >= timeout {
		w.after(c.ctx, sent+fate.Delay, func() { c.forget(q, sent, fate, "the caller had given up") })
		r, err := giveUp()
		c.record(q.Call, sent, r, errTimeout.Error())
		return r, err
	}
	if fate.Delay > 0 && !sleep(c.ctx, fate.Delay) {
		return agent.Response{}, errTimeout
	}
	if c.member != nil {
		c.member.asks(q.Call)
	}
	if c.member != nil && q.Call == "create" {
		c.world.session.creating(c.member, 1)
		defer c.world.session.creating(c.member, -1)
	}
	for {
		r, lost, err := c.carry(q, sent, fate, "")
		if lost {
			return giveUp()
		}
		if c.actor != history.ActorOperator || err != nil || r.Code != http.StatusTooManyRequests {
			return r, err
		}
		// The target has a limit on calls. An operator waits, and asks again.
		if !sleep(c.ctx, waitAsked(r.RetryAfter)) {
			return r, c.ctx.Err()
		}
		sent = w.now()
	}
}

// forget is carry where nobody waits for the answer any more.
func (c *caller) forget(q agent.Request, sent time.Duration, fate fault.Fate, seen string) {
	c.carry(q, sent, fate, seen) //nolint:errcheck // what came of it is in the history
}

// carry takes the request to the target and writes down what came of it. It reports whether the reply was lost on its way.
func (c *caller) carry(q agent.Request, sent time.Duration, fate fault.Fate, seen string) (r agent.Response, lost bool, err error) {
	w := c.world
	w.mu.Lock()
	kept := maps.Clone(c.kept)
	w.mu.Unlock()
	r, answer, err := w.session.client.do(c.ctx, q, kept)
	if len(kept) > 0 {
		w.mu.Lock()
		maps.Copy(c.kept, kept)
		w.mu.Unlock()
	}
	var odd *CallError
	if errors.As(err, &odd) && odd.Err == nil {
		w.broken(odd)
		return r, false, err
	}
	if err != nil {
		c.record(q.Call, sent, agent.Response{}, failure(odd, err))
		c.letIn(q.Call, q.Token, 0)
		return r, false, err
	}
	w.mu.Lock()
	if fate.LoseReply || w.faults.Cut(c.actor, c.ws, 1) {
		seen, lost = "the reply was lost", true
	}
	w.mu.Unlock()
	if answer.Partly { // as one that got no answer, it may have taken effect
		c.record(q.Call, sent, agent.Response{}, fmt.Sprintf("%s answered %d, after an earlier request of the call was granted", answer.Request, answer.Raw))
	} else {
		c.record(q.Call, sent, r, seen)
	}
	c.letIn(q.Call, q.Token, r.Code)
	if c.member != nil && seen == "" {
		if refused := c.world.session.client.admitted(answer); refused != nil && (r.Code == http.StatusUnauthorized || r.Code == http.StatusForbidden) {
			w.broken(refused) // the preflight was let in: the token is no good any more
		}
		c.member.settled(q.Call, r.Code)
		c.member.answered(q.Call, r)
	}
	return r, lost, nil
}

// failure says in short what kept the answer away.
func failure(e *CallError, err error) string {
	if e != nil {
		return e.Why + ": " + e.Err.Error()
	}
	return err.Error()
}

// record writes down what came of a call: an answer has a code.
func (c *caller) record(call string, sent time.Duration, r agent.Response, seen string) {
	e := history.Event{
		Kind: history.Call, Actor: c.actor, WS: c.ws, Inc: c.inc, Call: call, Sent: history.Time(sent), Code: r.Code, Err: seen,
	}
	if r.Code != 0 && r.Body != nil {
		e.Replica = 1
		if call != "heartbeat" {
			e.Says, e.Token = operator.ReadReply(call, r)
		}
	}
	c.world.add(e)
}
