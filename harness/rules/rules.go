package rules

import (
	"fmt"
	"sync"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/contract"
)

// Edge is an edge of the contract.
type Edge struct {
	Event    lifecycle.Event
	From, To lifecycle.Status
}

// Rules are a contract that can be asked in the words of histories. They are immutable and safe for concurrent use.
type Rules struct {
	contract *contract.Contract
	statuses [1 << 8]contract.Status
	events   [1 << 8]contract.Event
	next     [1 << 6][1 << 5]int16 // by event and from: the place in edges, from 1
	pairs    [1 << 5][1 << 5]bool  // by from and to
	edges    []Edge
	licences [1 << 8][]contract.Licence
}

// Standard returns the rules of the standard contract.
func Standard() *Rules { return standard() }

var standard = sync.OnceValue(func() *Rules {
	r, err := bind(contract.Standard())
	if err != nil {
		panic(err) // a test binds it
	}
	return r
})

// Of binds a contract; nil is the standard one. It is an error where the contract contradicts itself, or has words that
// histories do not have.
func Of(c *contract.Contract) (*Rules, error) {
	if c == nil {
		return Standard(), nil
	}
	return bind(c)
}

func bind(c *contract.Contract) (*Rules, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	r := &Rules{contract: c}
	for _, s := range c.Statuses {
		status, err := lifecycle.ParseStatus(s.Name)
		if err != nil {
			return nil, fmt.Errorf("contract %s: %w", c.Name, err)
		}
		if status == lifecycle.Failed && c.Policies.ReapsFailed {
			s.KeepsMachine = false
		}
		r.statuses[status] = s
	}
	for _, e := range c.Events {
		event, err := lifecycle.ParseEvent(e.Name)
		if err != nil {
			return nil, fmt.Errorf("contract %s: %w", c.Name, err)
		}
		r.events[event] = e
	}
	for _, e := range c.Edges {
		var edge Edge
		var err error
		if edge.Event, err = lifecycle.ParseEvent(e.Event); err != nil {
			return nil, fmt.Errorf("contract %s: %w", c.Name, err)
		}
		edge.From, _ = lifecycle.ParseStatus(e.From) // both were declared, see Validate
		edge.To, _ = lifecycle.ParseStatus(e.To)
		r.edges = append(r.edges, edge)
		r.pairs[edge.From][edge.To] = true
		r.next[edge.Event][edge.From] = int16(len(r.edges))
	}
	for _, l := range c.Licences {
		event, _ := lifecycle.ParseEvent(l.Event)
		r.licences[event] = append(r.licences[event], l)
	}
	if c.Policies.RestartsOffline > 0 {
		r.licences[lifecycle.Restart] = append(r.licences[lifecycle.Restart], contract.Licence{
			Event: lifecycle.Restart.String(), Rule: contract.RuleOffline, From: lifecycle.Offline.String(),
		})
	}
	return r, nil
}

// Must is Of for a contract that somebody has validated.
func Must(c *contract.Contract) *Rules {
	r, err := Of(c)
	if err != nil {
		panic(err)
	}
	return r
}

// Contract returns what the rules are of. It must not be altered.
func (r *Rules) Contract() *contract.Contract { return r.contract }

// Edges returns the contract's edges, in its order.
func (r *Rules) Edges() []Edge { return r.edges }

// Edge reports whether some event moves a workspace from the one status to the other.
func (r *Rules) Edge(from, to lifecycle.Status) bool { return r.pairs[from][to] }

// Next returns where the event moves a workspace in status from, and whether it moves it at all.
func (r *Rules) Next(event lifecycle.Event, from lifecycle.Status) (lifecycle.Status, bool) {
	i := r.next[event][from]
	if i == 0 {
		return from, false
	}
	return r.edges[i-1].To, true
}

// Licences returns what allows the event to move a workspace; see [contract.Licence.From].
func (r *Rules) Licences(event lifecycle.Event) []contract.Licence { return r.licences[event] }

// Policies returns in what the controller differs on purpose.
func (r *Rules) Policies() contract.Policies { return r.contract.Policies }

// Converged reports whether the status is one that a workspace with a beating agent must reach.
func (r *Rules) Converged(s lifecycle.Status) bool { return r.statuses[s].Converged }

// Held reports whether the operator put the workspace there.
func (r *Rules) Held(s lifecycle.Status) bool { return r.statuses[s].Held }

// KeepsMachine reports whether a workspace in the status may own a running machine.
func (r *Rules) KeepsMachine(s lifecycle.Status) bool { return r.statuses[s].KeepsMachine }

// Outcome reports whether the event is the outcome of a step that others may have overtaken.
func (r *Rules) Outcome(e lifecycle.Event) bool { return r.events[e].Outcome }

// Proof reports whether the event is proof of life.
func (r *Rules) Proof(e lifecycle.Event) bool { return r.events[e].Proof }

// Begins reports whether the event begins an incarnation.
func (r *Rules) Begins(e lifecycle.Event) bool { return r.events[e].Begins }
