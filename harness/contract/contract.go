package contract

import (
	"fmt"
	"slices"
)

// Contract is what a controller promises. Its words are those of the wire and of the reference transition log.
type Contract struct {
	Name     string    `json:"name"`
	Statuses []Status  `json:"statuses"`
	Events   []Event   `json:"events"`
	Edges    []Edge    `json:"edges"`
	Licences []Licence `json:"licences"`
	Calls    []Call    `json:"calls"`
	Beats    Beats     `json:"beats"`
	Times    Times     `json:"times"`
	Policies Policies  `json:"policies,omitzero"`
}

// Standard returns the contract of the public wire, with the reference controller's deliberate improvements. The copy is the
// caller's to alter.
func Standard() *Contract {
	return &Contract{
		Name: "standard", Statuses: slices.Clone(statuses), Events: slices.Clone(events), Edges: slices.Clone(edges),
		Licences: slices.Clone(licences), Calls: slices.Clone(calls), Beats: beats, Times: times(),
	}
}

// Validate reports the first word that the contract uses and does not declare, or the first event that nothing licenses.
func (c *Contract) Validate() error {
	known := map[string]bool{"": true}
	for _, s := range c.Statuses {
		known[s.Name] = true
	}
	events, called := map[string]bool{}, map[string]bool{}
	for _, e := range c.Events {
		events[e.Name] = true
	}
	for _, call := range c.Calls {
		called[call.Name] = true
	}
	licensed := map[string]bool{}
	for _, l := range c.Licences {
		licensed[l.Event] = true
		switch {
		case !events[l.Event]:
			return fmt.Errorf("contract %s: a licence is for %q, which is no event", c.Name, l.Event)
		case (l.Call == "") == (l.Rule == ""):
			return fmt.Errorf("contract %s: a licence for %s needs a call or a rule, and not both", c.Name, l.Event)
		case l.Call != "" && !called[l.Call]:
			return fmt.Errorf("contract %s: a licence for %s is the call %q, which is none", c.Name, l.Event, l.Call)
		case !known[l.From]:
			return fmt.Errorf("contract %s: a licence for %s is for %q only, which is no status", c.Name, l.Event, l.From)
		case l.Rule != "" && !slices.Contains(rules, l.Rule):
			return fmt.Errorf("contract %s: a licence for %s is the rule %q, which is none", c.Name, l.Event, l.Rule)
		}
	}
	for _, e := range c.Edges {
		switch {
		case !known[e.From] || !known[e.To] || e.To == "":
			return fmt.Errorf("contract %s: the edge of %s from %q to %q has an unknown end", c.Name, e.Event, e.From, e.To)
		case !events[e.Event]:
			return fmt.Errorf("contract %s: %q, which has an edge, is no event", c.Name, e.Event)
		case !licensed[e.Event]:
			return fmt.Errorf("contract %s: nothing licenses %s, which has an edge", c.Name, e.Event)
		}
	}
	if err := c.Policies.Validate(); err != nil {
		return fmt.Errorf("contract %s: policies: %w", c.Name, err)
	}
	return nil
}
