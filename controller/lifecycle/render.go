package lifecycle

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Mermaid renders the table as a Mermaid state diagram, one arrow for each pair of statuses with all its events on it,
// in the order of the table. The same table always gives the same text.
func (t *Table) Mermaid() string {
	type pair struct{ from, to Status }
	var order []pair
	events := map[pair][]string{}
	for _, e := range t.edges {
		p := pair{e.From, e.To}
		if events[p] == nil {
			order = append(order, p)
		}
		events[p] = append(events[p], e.Event.String())
	}
	name := func(s Status) string {
		if s == None {
			return "[*]"
		}
		return s.String()
	}
	var b strings.Builder
	b.WriteString("stateDiagram-v2\n")
	for _, p := range order {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", name(p.from), name(p.to), strings.Join(events[p], ", "))
	}
	fmt.Fprintf(&b, "    %s --> [*]\n", Removed)
	return b.String()
}

// Text renders the table for a terminal: one line an edge, with its reason.
func (t *Table) Text() string { return t.text() }

func (t *Table) render() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "EVENT\tFROM\tTO\tWHY")
	for _, e := range t.edges {
		from := e.From.String()
		if e.From == None {
			from = "·"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.Event, from, e.To, e.Why)
	}
	w.Flush() //nolint:errcheck // a strings.Builder cannot fail
	return b.String()
}
