package foreign

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
)

// Probed is what came of one call of a probe.
type Probed struct {
	Call       string
	Answer     dialect.Answer
	Understood string // what the dialect made of the answer, for a person
	Err        error  // it was none of the dialect's
	Missing    bool   // the dialect does not have the call
}

// OK reports whether the call was granted and understood.
func (p Probed) OK() bool { return p.Err == nil && !p.Missing && p.Answer.OK() }

// Probe tries each call of the target's dialect once on one workspace of its own, tells what it made of each, and deletes the
// workspace. What it could not delete, left lists. An error says that nothing could be tried.
func Probe(ctx context.Context, t Target, tell func(Probed)) (left []Leftover, err error) {
	if t, err = t.Complete(); err != nil {
		return nil, err
	}
	c := newClient(t)
	defer c.http.CloseIdleConnections()
	p := probe{client: c, tell: tell, kept: map[string]string{}, name: t.named("probe")}
	p.try(ctx, dialect.Health)
	if list := p.try(ctx, dialect.List); list.Err != nil || !list.OK() {
		return nil, nil // the operator is not let in, or nothing is understood: nothing is to be created there
	}
	mine := func(w shown) bool { return w.Name == p.name || p.id != "" && w.ID == p.id }
	defer func() {
		d := deletion{client: c, patience: c.target.Patience / 2, mine: mine, ids: map[string]string{}}
		if p.id != "" && !p.deleted {
			d.ids[p.id] = p.name
		}
		left = append(left, d.all(context.WithoutCancel(ctx))...)
	}()
	if created := p.try(ctx, dialect.Create); !created.OK() || p.id == "" {
		return nil, nil
	}
	for _, call := range []string{
		dialect.Get, dialect.Register, dialect.Heartbeat, dialect.Get, dialect.List, dialect.Events, dialect.Hibernate, dialect.Resume,
		dialect.Pause, dialect.Resume, dialect.BootstrapFailed, dialect.Restart, dialect.Delete, dialect.Get,
	} {
		p.try(ctx, call)
	}
	return nil, nil
}

// probe is a probe under way.
type probe struct {
	client  *client
	tell    func(Probed)
	name    string
	id      string
	token   string // the agent's
	kept    map[string]string
	deleted bool
}

// try makes one call.
func (p *probe) try(ctx context.Context, name string) Probed {
	done := Probed{Call: name}
	defer func() { p.tell(done) }()
	if !p.client.spec.Has(name) {
		done.Missing = true
		return done
	}
	c := dialect.Call{Name: name, ID: p.id, Token: p.client.target.Token}
	switch name {
	case dialect.Create:
		c.ID, c.Create = "", &dialect.CreateCall{Name: p.name, Runtime: "claude-code", Model: "kimi"}
	case dialect.Register:
		c.Token, c.Kept = p.token, p.kept
		c.Register = &dialect.RegisterCall{URL: "http://localhost:8000", Card: json.RawMessage(`{"name":"bootrace probe"}`)}
	case dialect.Heartbeat:
		c.Token, c.Kept, c.Heartbeat = p.token, p.kept, &dialect.HeartbeatCall{}
	case dialect.BootstrapFailed:
		c.Failed = &dialect.FailedCall{Error: "a probe says so", Log: "none"}
	}
	done.Answer, done.Err = p.client.speak(ctx, c)
	if done.Err != nil || !done.Answer.OK() {
		return done
	}
	if token := done.Answer.Token; token != "" {
		p.token = token
	}
	switch name {
	case dialect.Create:
		p.id = done.Answer.Workspaces[0].ID
	case dialect.Delete:
		p.deleted = true
	}
	done.Understood = p.understood(name, done.Answer)
	return done
}

// understood says what the dialect made of an answer.
func (p *probe) understood(name string, a dialect.Answer) string {
	var said []string
	switch name {
	case dialect.List:
		said = append(said, fmt.Sprintf("%d workspaces", len(a.Workspaces)))
		for _, w := range a.Workspaces {
			if w.Name == p.name || w.ID == p.id && p.id != "" {
				said = append(said, "this one is "+w.Status.String())
			}
		}
	case dialect.Events:
		if a.Entries == nil {
			return "no feed: " + a.Hint
		}
		known, mine := 0, 0
		for _, e := range a.Entries {
			if _, ok := p.client.spec.Words[e.Type]; ok || e.To != lifecycle.None {
				known++
			}
			if e.Workspace == p.id {
				mine++
			}
		}
		said = append(said, fmt.Sprintf("%d entries, %d of this workspace; %d have a word that is known", len(a.Entries), mine, known))
	default:
		for _, w := range a.Workspaces {
			if w.ID != "" {
				said = append(said, "id "+w.ID)
			}
			if w.Name != "" {
				said = append(said, "name "+w.Name)
			}
			if w.Status != lifecycle.None {
				said = append(said, "status "+w.Status.String())
			}
			if w.Incarnation > 0 {
				said = append(said, fmt.Sprintf("incarnation %d", w.Incarnation))
			}
		}
	}
	if a.Token != "" {
		said = append(said, "a token for the agent")
	}
	if a.Counted {
		said = append(said, fmt.Sprintf("count %d", a.Count))
	}
	if len(said) == 0 {
		return http.StatusText(a.Code)
	}
	return strings.Join(said, ", ")
}
