package foreign

import (
	"slices"
	"sync"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/history"
)

// launch is a machine that the target had launched, or had asked for.
type launch struct {
	id        string
	workspace string
	inc       int               // the incarnation that it is for; 0 where nobody has said
	env       map[string]string // what it boots with
	cloud     string            // of several, the one that has it
	err       string            // why there is none
	code      int               // the status of that answer
}

// fleet is the machines that the target has launched, with an agent on each.
type fleet struct {
	session *Session

	mu        sync.Mutex
	unclaimed map[string][]launch // by workspace
}

func newFleet(s *Session) *fleet { return &fleet{session: s, unclaimed: map[string][]launch{}} }

// launched boots the agent of a machine. A target may ask for one before it answers the create, so that the machines of
// workspaces which nobody knows yet wait for somebody to claim them; those of others' stay dark.
func (f *fleet) launched(x launch) {
	f.mu.Lock()
	m := f.session.owner(x.workspace)
	if m == nil {
		f.unclaimed[x.workspace] = append(f.unclaimed[x.workspace], x)
	}
	f.mu.Unlock()
	if m != nil {
		f.boot(m, x)
	}
}

// claim boots the machines that were launched for the workspace before anybody knew it.
func (f *fleet) claim(workspace string) {
	f.mu.Lock()
	waiting := f.unclaimed[workspace]
	delete(f.unclaimed, workspace)
	m := f.session.owner(workspace)
	f.mu.Unlock()
	for _, x := range waiting {
		f.boot(m, x)
	}
}

func (f *fleet) boot(m *member, x launch) {
	w := m.world
	w.mu.Lock()
	inc := x.inc
	if inc == 0 {
		inc = max(m.begun, 1)
	}
	if x.err != "" {
		now := history.Time(w.now())
		w.addLocked(history.Event{Kind: history.Cloud, WS: m.number, Inc: inc, Call: "launch", Err: x.err, Code: x.code, Phase: history.Attempt, Sent: now})
		w.mu.Unlock()
		return
	}
	w.addLocked(history.Event{Kind: history.Machine, WS: m.number, Inc: inc, Machine: x.id, Phase: history.Launched})
	w.mu.Unlock()
	m.boot(inc, x, x.env[wire.EnvToken])
}

// stopped ends the agent of a machine that was terminated, or has died.
func (f *fleet) stopped(workspace, id, how string) {
	f.mu.Lock()
	f.unclaimed[workspace] = slices.DeleteFunc(f.unclaimed[workspace], func(x launch) bool { return x.id == id })
	if len(f.unclaimed[workspace]) == 0 {
		delete(f.unclaimed, workspace)
	}
	f.mu.Unlock()
	m := f.session.owner(workspace)
	if m == nil {
		return
	}
	w := m.world
	w.mu.Lock()
	b := w.machines[id]
	if m.machine == b {
		m.machine = nil
	}
	w.mu.Unlock()
	if b == nil {
		return
	}
	b.tell(history.Machine, how)
	b.tell(history.Agent, history.Ended)
	b.end()
}
