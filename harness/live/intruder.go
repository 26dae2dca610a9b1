package live

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness/fault"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/intruder"
	"github.com/bootrace/bootrace/harness/live/caller"
)

// adminToken is the operators', and the observer's. Intruders do not have it. The gateway adds it to the calls of those whose it is.
const adminToken = "the operators' token of the live world"

// keyring is what the gateway has seen of the workspaces' tokens.
type keyring struct {
	mu   sync.Mutex
	keys map[int]*intruder.Keys // by number
}

// about lets the function read or write: of returns what is known of a workspace.
func (k *keyring) about(do func(of func(ws int) *intruder.Keys)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	do(func(ws int) *intruder.Keys {
		if k.keys == nil {
			k.keys = map[int]*intruder.Keys{}
		}
		if k.keys[ws] == nil {
			k.keys[ws] = &intruder.Keys{}
		}
		return k.keys[ws]
	})
}

// asks notes an operator's call on its way: another boot may begin from now on, of that workspace or of any below it.
func (w *world) asks(call string, ws int) {
	if call != "restart" && call != "resume" || ws < 1 {
		return
	}
	w.keyring.about(func(of func(int) *intruder.Keys) {
		for _, n := range append(w.plan.Below(ws), ws) {
			of(n).Begins()
		}
	})
}

// letIn notes that an agent's call was accepted, and the token that it had.
func (w *world) letIn(call string, ws, inc int, header http.Header) {
	if ws < 1 {
		return
	}
	token, _ := strings.CutPrefix(header.Get("Authorization"), "Bearer ")
	w.keyring.about(func(of func(int) *intruder.Keys) {
		of(ws).Booted(inc, token)
		of(ws).Accepted(call, inc)
	})
}

// intruderPatience is how long an intruder waits for the agent that it is after, in the contract's time.
const intruderPatience = 10 * time.Minute

// intrude has somebody try every call on the first workspace that the fault is about: they know its id, and have no token, that of
// an incarnation before, or another workspace's, in turn.
func (w *world) intrude(x *fault.Fault) {
	for _, m := range w.members {
		if x.Hits(m.number) {
			w.tasks.Go(func() { w.intrudeUpon(m, x) })
			return
		}
	}
}

func (w *world) intrudeUpon(m *member, x *fault.Fault) {
	id := w.idOf(m)
	locked := func() (yes bool) {
		w.keyring.about(func(of func(int) *intruder.Keys) { yes = of(m.number).Locked() })
		return yes
	}
	for until := w.clock.now() + intruderPatience; !locked() && w.clock.now() < until; {
		if !w.sleep(5 * time.Second) {
			return
		}
	}
	w.faults.Struck(x, m.number)
	stranger := caller.New(w.gateway.url, w.clock.speed, history.ActorIntruder, m.number, 0)
	defer stranger.Close()
	for n, q := range intruder.Calls(id) {
		if intruder.OfAgents(q.Call) && !locked() {
			continue // until there is a token, anybody may call for it
		}
		w.keyring.about(func(of func(int) *intruder.Keys) {
			var others []*intruder.Keys
			for _, o := range w.members {
				if o != m && o.number != m.plan.Parent {
					others = append(others, of(o.number))
				}
			}
			stranger.With, q.Token = of(m.number).Pick(n+x.Number+int(w.plan.Seed), others)
		})
		stranger.CallContext(w.ctx, q) //nolint:errcheck // the gateway writes down what came of it
	}
	w.look(m)
	w.survey()
}
