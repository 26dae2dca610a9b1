package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/operator"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sched"
)

// How long one hop takes, drawn evenly. Assumed: a network within a region, and a little more.
const (
	leastHop = time.Millisecond
	mostHop  = 20 * time.Millisecond
)

// callTimeout is how long a caller waits for an answer: the contract's for heartbeats.
const callTimeout = 10 * time.Second

// Errors of calls that got no answer.
var (
	errTimeout = errors.New(history.TimedOut)
	errRefused = errors.New("connection refused")
	errReset   = errors.New("connection reset: the controller died")
	errEnded   = errors.New("the run ended")
)

// caller is somebody who calls controllers: an agent, the operator or the observer.
type caller struct {
	world *world
	actor string
	ws    int // an agent's own number and incarnation
	inc   int
	with  string // what an intruder presents

	headers map[string]http.Header // by token; handlers do not change them
	urls    map[string]*url.URL
}

func (w *world) newCaller(actor string, ws, inc int) *caller {
	return &caller{
		world: w, actor: actor, ws: ws, inc: inc, headers: map[string]http.Header{}, urls: map[string]*url.URL{},
	}
}

// job is one request on its way: the caller waits for it unless it has given up.
type job struct {
	caller  *caller
	task    *sched.Task // who waits; nil once nobody does
	request agent.Request
	sent    time.Duration
	replica *replica
	copied  bool // a duplicate, whose reply nobody waits for
	fate    fault.Fate

	done     bool
	response agent.Response
	err      error
}

// call carries out a request in the caller's task.
func (c *caller) call(q agent.Request) (agent.Response, error) {
	w := c.world
	s := w.sched
	if c.actor == history.ActorOperator || c.actor == history.ActorObserver {
		q.Token = adminToken
	}
	j := &job{caller: c, task: s.Current(), request: q, sent: s.Now(), replica: w.replicas[0]}
	if n := len(w.replicas); n > 1 {
		j.replica = w.replicas[w.oracle.Choose(oracle.Replica, uint64(n))]
	}
	j.fate = w.faults.Network(c.actor, q.Call, c.ws, j.replica.number)
	hop := w.latency(leastHop, mostHop)
	if j.fate.Limited {
		s.Sleep(2 * hop)
		r := agent.Response{Code: http.StatusTooManyRequests}
		if j.fate.RetryAfter > 0 {
			r.RetryAfter = strconv.Itoa(int(j.fate.RetryAfter / time.Second))
		}
		j.record(r.Code, "by a rate limiter on the way", agent.Response{})
		return r, nil
	}
	if j.fate.Duplicate {
		twin := *j
		twin.copied, twin.task = true, nil
		twin.request.Body = bytes.Clone(q.Body) // which its caller uses again once the other is answered
		s.After(hop+max(j.fate.DuplicateAfter, mostHop), func() { twin.deliver() })
	}
	switch {
	case j.fate.LoseRequest:
	case j.fate.Delay > 0:
		s.After(hop+j.fate.Delay, j.deliver)
	default:
		s.Sleep(hop)
		j.deliver()
	}
	if !j.done {
		s.Park(j.sent + callTimeout - s.Now())
	}
	j.task = nil
	if !j.done {
		j.record(0, errTimeout.Error(), agent.Response{})
		return agent.Response{}, errTimeout
	}
	return j.response, j.err
}

// record writes down what came of the job.
func (j *job) record(code int, seen string, r agent.Response) {
	c := j.caller
	e := history.Event{
		Kind: history.Call, Actor: c.actor, WS: c.ws, Inc: c.inc, Call: j.request.Call, Sent: history.Time(j.sent),
		Code: code, Err: seen, Replica: j.replica.number, By: c.with,
	}
	if code == 0 || j.fate.Limited {
		e.Replica = 0 // it did not answer
	} else if j.request.Call != "heartbeat" {
		e.Says, e.Token, e.Data = operator.ReadAll(j.request, r, sched.Epoch)
	}
	if e.Data == "" && !j.request.Same {
		e.Data = operator.Sent(j.request)
	}
	switch {
	case j.request.Call == "create" && code == http.StatusCreated:
		c.world.named(&e, r.Body)
	case j.request.Call == "bootstrap-failed" && bytes.Contains(r.Body, []byte(`"no_change":true`)):
		e.Data += "; no_change=true"
	}
	c.world.add(e)
	if c.actor == history.ActorAgent && code == http.StatusOK && c.ws > 0 {
		c.world.members[c.ws-1].keys.Accepted(e.Call, e.Inc)
	}
	if c.ws > 0 && e.Replica != 0 && code/100 == 4 && (c.actor == history.ActorAgent || c.actor == history.ActorOperator) {
		c.world.look(c.world.members[c.ws-1]) // a refusal changes nothing
	}
}

// named notes where the reply to a create names a workspace that is not the one that was created.
func (w *world) named(e *history.Event, body []byte) {
	var reply wire.CreateReply
	if jsonv2.Unmarshal(body, &reply) != nil {
		return
	}
	ids := []string{reply.ID}
	if reply.Connection != nil {
		ids = append(ids, reply.Connection.WorkspaceID)
	}
	for _, id := range ids {
		if n := w.owner(id); n != e.WS && n != -e.WS {
			e.Data += "; another=" + id
		}
	}
}

// finish gives the caller its answer, unless it has given up.
func (j *job) finish(r agent.Response, err error) {
	if j.done {
		return
	}
	j.done, j.response, j.err = true, r, err
	if j.task != nil {
		j.caller.world.sched.Wake(j.task)
	}
}

// deliver hands the request to its replica.
func (j *job) deliver() {
	w := j.caller.world
	if j.replica.process.Dead() || j.replica.starting {
		if !j.copied && j.task != nil {
			j.record(0, errRefused.Error(), agent.Response{})
			j.finish(agent.Response{}, errRefused)
		}
		return
	}
	r := j.replica
	var k *worker
	if n := len(r.idle); n > 0 {
		k = r.idle[n-1]
		r.idle = r.idle[:n-1]
	} else {
		k = &worker{replica: r}
		k.task = r.process.Go("worker", k.run)
	}
	k.job = j
	r.busy = append(r.busy, k)
	w.sched.Wake(k.task)
}

// reset tells the caller that the replica died with the request in its hands.
func (j *job) reset() {
	if j.task == nil && !j.copied {
		return // the caller gave up, and wrote it down
	}
	j.record(0, errReset.Error(), agent.Response{})
	j.finish(agent.Response{}, errReset)
}

// cutOff writes down the requests that a controller has in its hands when the run ends: they may have taken effect.
func (w *world) cutOff() {
	for _, r := range w.replicas {
		if r.process.Dead() {
			continue // who died with them was written down
		}
		for _, k := range r.busy {
			if k.job.task != nil || k.job.copied {
				k.job.record(0, errEnded.Error(), agent.Response{})
			}
		}
	}
}

// worker serves requests of one replica, one at a time, for as long as the replica lives.
type worker struct {
	replica *replica
	task    *sched.Task
	job     *job
	request http.Request // the job's: a handler is done with it when it returns
	body    requestBody
	reply   replyWriter
}

// requestBody is a request's body.
type requestBody struct{ bytes.Reader }

// Close implements io.Closer.
func (*requestBody) Close() error { return nil }

// replyWriter keeps a reply.
type replyWriter struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *replyWriter) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *replyWriter) WriteHeader(code int) {
	if r.code == 0 {
		r.code = code
	}
}

// Write implements http.ResponseWriter.
func (r *replyWriter) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}

// served is what the handler replies to the request, whose body was read.
func served(h http.Handler, q *http.Request, body []byte) *replyWriter {
	request := q.Clone(context.Background())
	request.Body = io.NopCloser(bytes.NewReader(body))
	request.RequestURI = q.URL.RequestURI()
	reply := &replyWriter{header: http.Header{}}
	h.ServeHTTP(reply, request)
	return reply
}

// response is the reply as the request's client gets it.
func (r *replyWriter) response(q *http.Request) *http.Response {
	return &http.Response{
		StatusCode: r.code, Status: fmt.Sprintf("%d %s", r.code, http.StatusText(r.code)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: io.NopCloser(bytes.NewReader(r.body.Bytes())), ContentLength: int64(r.body.Len()), Request: q,
	}
}

func (k *worker) run() {
	r := k.replica
	s := r.world.sched
	k.reply.header = http.Header{}
	for {
		for k.job == nil {
			s.Park(sched.Forever)
		}
		s.Renew(k.task)
		k.serve(k.job)
		k.job = nil
		i := slices.Index(r.busy, k)
		r.busy = slices.Delete(r.busy, i, i+1)
		r.idle = append(r.idle, k)
	}
}

// serve runs the handler on the job and sends its reply on the way.
func (k *worker) serve(j *job) {
	w := k.replica.world
	c := j.caller
	k.task.Name, k.task.Workspace, k.task.Incarnation, k.task.Actor = j.request.Call, c.ws, c.inc, c.actor
	clear(k.reply.header)
	k.reply.code = 0
	k.reply.body.Reset()
	k.body.Reset(j.request.Body)
	k.request = c.httpRequest(j.request, &k.body)
	if !k.handle(&k.request) {
		j.record(0, "connection closed: the handler panicked", agent.Response{})
		j.finish(agent.Response{}, errReset)
		return
	}
	response := agent.Response{
		Code: k.reply.code, Body: bytes.Clone(k.reply.body.Bytes()), RetryAfter: k.reply.header.Get("Retry-After"),
	}
	var seen string
	switch {
	case j.copied:
		seen = history.Duplicate
	case j.fate.LoseReply || w.faults.Cut(c.actor, c.ws, j.replica.number):
		seen = history.ReplyLost
	case j.task == nil:
		seen = history.GivenUp
	}
	j.record(response.Code, seen, response)
	if seen == "" {
		w.sched.After(w.latency(leastHop, mostHop), func() { j.finish(response, nil) })
	}
}

// handle runs the handler, and reports false where it panicked: a server closes the connection then.
func (k *worker) handle(q *http.Request) (served bool) {
	r := k.replica
	defer func() {
		if p := recover(); p != nil {
			if sched.IsKill(p) {
				panic(p)
			}
			r.world.add(history.Event{Kind: history.Panic, By: k.task.Name, Replica: r.number, Err: fmt.Sprint(p)})
			served = false
		}
	}()
	if r.world.beside != nil {
		return k.beside(q)
	}
	r.handler.ServeHTTP(&k.reply, q)
	return true
}

// beside has the controller beside the scheduler serve the request.
func (k *worker) beside(q *http.Request) bool {
	s, t := k.replica.world.sched, k.task
	over, panicked := false, any(nil)
	by := Author{k.replica.number, t.Name, t.Actor, t.Workspace, t.Incarnation}
	if t.Name == "create" && t.Workspace > 0 {
		k.replica.world.members[t.Workspace-1].creates++
	}
	k.replica.world.beside.Serve(by, &k.reply, q, func(p any) {
		over, panicked = true, p
		s.Wake(t)
	})
	for !over {
		s.Park(sched.Forever)
	}
	if panicked != nil {
		panic(panicked)
	}
	return true
}

// httpRequest makes the request that a server would have read off the wire.
func (c *caller) httpRequest(q agent.Request, body *requestBody) http.Request {
	header := c.headers[q.Token]
	if header == nil {
		header = http.Header{"Content-Type": {"application/json"}}
		if q.Token != "" {
			header.Set("Authorization", "Bearer "+q.Token)
		}
		c.headers[q.Token] = header
	}
	u := c.urls[q.Path]
	if u == nil {
		var err error
		if u, err = url.ParseRequestURI(q.Path); err != nil {
			panic(err) // paths are the harness's own
		}
		c.urls[q.Path] = u
	}
	return http.Request{
		Method: q.Method, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: body,
		ContentLength: int64(len(q.Body)), Host: "controller", RequestURI: q.Path, RemoteAddr: "simulated",
	}
}
