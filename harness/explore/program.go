package explore

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/harness/agent"
)

// program is one request to a controller, or one turn of a tick: what it does is decided by what it is answered.
type program struct {
	call    string         // the request's, or the tick's name
	request *agent.Request // nil for a tick
	tick    func(context.Context) error
	salt    byte                    // of what it draws
	roots   map[time.Duration]*node // by when it starts, -1 where that does not matter
	timed   int8                    // whether it reads the clock before its first call: 0 unknown, 1 yes, -1 no
}

// node is a program in the middle: at its next call, or at its end.
type node struct {
	id      uint64
	program *program
	parent  *node
	via     *result       // what the parent's call was answered
	at      time.Duration // when: what the clock shows until the next call

	op  *op // the call that stands there; nil at the end
	end ending

	next  map[answer]*node
	timed map[uint64]bool // by the answer's hash: whether the clock is read after it
}

// answer is what a node goes on from.
type answer struct {
	hash uint64
	at   time.Duration // -1 where it does not matter
}

// ending is how a program ended.
type ending struct {
	response agent.Response // of a request
	err      error          // of a tick
	panicked string
}

// op is a call that a program makes.
type op struct {
	name  string
	space int // number of the workspace that alone it is about; 0 where it may be about any
	write bool
	store func(s *memory.Store) *result // nil for a call to the cloud
	cloud func(v *fakeprovider.Inventory, now time.Time) *result
	// memory is a step into what the replica keeps beside its store.
	memory func(defects.Kept) defects.Recalled
	// launches is what a launch is for.
	launches *cloud.Spec
	// stops is the machine that a stop is about.
	stops string
}

// result is what a call was answered: the fields that the call has.
type result struct {
	rows     []store.Workspace
	unwanted []store.Workspace
	outcome  store.Outcome
	moves    []store.Transition
	ok       bool
	machine  cloud.Machine
	machines []cloud.Machine
	ids      []uuid.UUID
	err      error
	sum      uint64
}

// hash tells results apart.
func (r *result) hash() uint64 {
	if r.sum != 0 {
		return r.sum
	}
	var e encoder
	e.workspaces(r.rows)
	e.workspaces(r.unwanted)
	e.bool(r.outcome.Moved)
	e.bool(r.outcome.Minted)
	e.int(int(r.outcome.Status))
	e.int(r.outcome.Incarnation)
	e.transition(&r.outcome.Transition)
	e.int(len(r.moves))
	for i := range r.moves {
		e.transition(&r.moves[i])
	}
	e.bool(r.ok)
	e.machine(&r.machine)
	e.int(len(r.machines))
	for i := range r.machines {
		e.machine(&r.machines[i])
	}
	e.int(len(r.ids))
	for _, id := range r.ids {
		e.b = append(e.b, id[:]...)
	}
	if r.err != nil {
		e.string(r.err.Error())
	}
	r.sum = e.sum() | 1
	return r.sum
}

// deviated unwinds a program that, told the same answers, makes another call than it did before.
type deviated struct{ was, is string }

// suspended unwinds a program that stands at a call which nobody has answered yet.
type suspended struct{}

// start returns the program at its first call, started at the time.
func (w *world) start(p *program, at time.Duration) *node {
	if p.roots == nil {
		p.roots = map[time.Duration]*node{}
	}
	if p.timed < 0 {
		at = -1
	}
	if n := p.roots[at]; n != nil {
		return n
	}
	n := &node{program: p, at: at}
	if w.run(n) {
		p.timed = 1
	} else {
		p.timed, n.at = -1, -1
	}
	p.roots[n.at] = n
	return n
}

// after returns the program where it goes on from the result.
func (w *world) after(n *node, r *result, at time.Duration) *node {
	key := answer{r.hash(), at}
	timed, known := n.timed[key.hash]
	if known && !timed {
		key.at = -1
	}
	if child := n.next[key]; child != nil {
		return child
	}
	child := &node{program: n.program, parent: n, via: r, at: at}
	if n.next == nil {
		n.next, n.timed = map[answer]*node{}, map[uint64]bool{}
	}
	timed = w.run(child)
	n.timed[key.hash] = timed
	if !timed {
		key.at = -1
	}
	n.next[key] = child
	return child
}

// run runs the program up to the node and notes what it does there. It reports whether it read the clock after the last
// answer.
func (w *world) run(n *node) (timed bool) {
	w.nodes++
	n.id = w.nodes
	var path []*node
	for m := n; m != nil; m = m.parent {
		path = append(path, m)
	}
	p := w.probe
	p.path, p.step, p.at, p.read, p.op = path, len(path)-1, path[len(path)-1].at, false, nil
	p.draw.reset(n.program.salt)
	defer func() {
		timed = p.read
		switch r := recover().(type) {
		case nil:
		case suspended:
			n.op = p.op
		case deviated:
			panic(r)
		default:
			n.end = ending{panicked: fmt.Sprint(r)}
		}
	}()
	if n.program.request == nil {
		n.end.err = n.program.tick(context.Background())
		return p.read
	}
	q := n.program.request
	request := httptest.NewRequestWithContext(background, q.Method, q.Path, bytes.NewReader(q.Body))
	request.Header.Set("Content-Type", "application/json")
	if q.Token != "" {
		request.Header.Set("Authorization", "Bearer "+q.Token)
	}
	reply := httptest.NewRecorder()
	w.handler.ServeHTTP(reply, request)
	n.end.response = agent.Response{Code: reply.Code, Body: reply.Body.Bytes(), RetryAfter: reply.Header().Get("Retry-After")}
	return p.read
}
