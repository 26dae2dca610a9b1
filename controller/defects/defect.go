package defects

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Defect is one named defect.
type Defect struct {
	Name string
	// Mechanism is what goes wrong, step by step.
	Mechanism string
	// Breaks is the invariant that it breaks.
	Breaks string
	// Also are invariants that it may break first, or alone, depending on what meets what.
	Also []string
	// Evidence is how it is known: seen on a running server, in its history, by reading its code, in a peer, or that it follows
	// from a design that others have.
	Evidence string

	table  func(*lifecycle.Table) *lifecycle.Table
	config func(*controller.Config, Memory)
	ticks  func([]controller.Tick, controller.Config) []controller.Tick
	// loop is one more tick, which acts over the controller's own API.
	loop func(http.Handler, controller.Config) controller.Tick
	// handler stands in front of the controller's own.
	handler func(http.Handler, controller.Config, Memory) http.Handler
	// Remembers says that controllers with the defect keep something in memory, or on a server of keys, beside the store.
	Remembers bool
	// swallows has agents take every 4xx for success: a defect of theirs, not of the controller.
	swallows bool
}

// SwallowsErrors reports whether the defect is in the agents, which take every 4xx for success.
func (d *Defect) SwallowsErrors() bool { return d != nil && d.swallows }

// Lifecycle returns the table that a controller with the defect goes by.
func (d *Defect) Lifecycle(standard *lifecycle.Table) *lifecycle.Table {
	if d == nil || d.table == nil {
		return standard
	}
	return d.table(standard)
}

// Built is a controller, ready to be served and ticked.
type Built struct {
	Handler http.Handler
	Ticks   []controller.Tick
	// Controller runs the ticks where nobody else does: see controller.Controller.RunTicks.
	Controller *controller.Controller
}

// Build makes a controller with the defect, or without any where d is nil. Its store must go by the table that Lifecycle
// returns. The memories of all replicas of one deployment are of one Shared.
func Build(d *Defect, m Memory, c controller.Config) (Built, error) {
	c.Settings = c.Settings.WithDefaults()
	if d != nil && d.config != nil {
		d.config(&c, m)
	}
	k, err := controller.New(c)
	if err != nil {
		return Built{}, err
	}
	built := Built{Handler: k.Handler(), Ticks: k.Ticks(), Controller: k}
	if d != nil && d.ticks != nil {
		built.Ticks = d.ticks(built.Ticks, c)
	}
	if d != nil && d.loop != nil {
		built.Ticks = append(built.Ticks[:len(built.Ticks):len(built.Ticks)], d.loop(built.Handler, c))
	}
	if d != nil && d.handler != nil {
		built.Handler = d.handler(built.Handler, c, m)
	}
	return built, nil
}

// All returns every defect, in the order of the ledger.
func All() []*Defect { return append([]*Defect(nil), ledger...) }

// Names returns their names in the same order.
func Names() []string {
	names := make([]string, len(ledger))
	for i, d := range ledger {
		names[i] = d.Name
	}
	return names
}

// Find returns the defect of the name.
func Find(name string) (*Defect, error) {
	for _, d := range ledger {
		if d.Name == name {
			return d, nil
		}
	}
	return nil, fmt.Errorf("there is no defect %q; there are %s", name, strings.Join(Names(), ", "))
}

// inTimeOf is a time of the contract's by the settings, which a controller that is tried faster than life has scaled: all of
// them, so that any one that nothing else alters tells by how much.
func inTimeOf(s controller.Settings, d time.Duration) time.Duration {
	return time.Duration(float64(d) * float64(s.OrphanSweepEvery) / float64(controller.DefaultSettings().OrphanSweepEvery))
}

// proofs are the events by which an agent proves that it lives.
func proofs() []lifecycle.Event {
	var all []lifecycle.Event
	for _, e := range lifecycle.Events() {
		if e.ProofOfLife() {
			all = append(all, e)
		}
	}
	return all
}

// deaf returns a table in which no proof of life moves a workspace out of the statuses.
func deaf(t *lifecycle.Table, statuses ...lifecycle.Status) *lifecycle.Table {
	for _, e := range proofs() {
		for _, s := range statuses {
			t = t.Without(e, s)
		}
	}
	return t
}

// without returns the ticks but for the named one.
func without(ticks []controller.Tick, name string) []controller.Tick {
	var kept []controller.Tick
	for _, t := range ticks {
		if t.Name != name {
			kept = append(kept, t)
		}
	}
	return kept
}
