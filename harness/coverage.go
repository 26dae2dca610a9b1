package harness

import (
	"fmt"
	"slices"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// Coverage counts which edges of the lifecycle runs went along.
type Coverage struct {
	table *lifecycle.Table
	edges map[edge]int
}

// edge is an event out of a status.
type edge struct {
	event lifecycle.Event
	from  lifecycle.Status
}

// NewCoverage returns one that has seen nothing.
func NewCoverage() *Coverage { return &Coverage{lifecycle.Standard(), map[edge]int{}} }

// Add counts the transitions of a history, as the controller logged them.
func (c *Coverage) Add(h *history.History) {
	for i := len(h.Events) - 1; i >= 0; i-- {
		switch e := &h.Events[i]; e.Kind {
		case history.Log:
			c.edges[edge{e.Event, e.From}]++
		case history.Row, history.End:
		default:
			return // the log is read at the end
		}
	}
}

// Reached returns how many of the lifecycle's edges were gone along, and how many there are.
func (c *Coverage) Reached() (reached, all int) {
	for _, e := range c.table.Edges() {
		if c.edges[edge{e.Event, e.From}] > 0 {
			reached++
		}
		all++
	}
	return reached, all
}

// Missing returns the edges that were never gone along, in the order of the table.
func (c *Coverage) Missing() []string {
	var missing []string
	for _, e := range c.table.Edges() {
		if c.edges[edge{e.Event, e.From}] == 0 {
			from := e.From.String()
			if e.From == lifecycle.None {
				from = "nothing"
			}
			missing = append(missing, fmt.Sprintf("%s out of %s", e.Event, from))
		}
	}
	return slices.Clip(missing)
}
