package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
)

// histogram is how long the boots of one provider took that had one budget.
type histogram struct {
	Provider string
	Budget   string
	Facts    string
	Drawing  template.HTML

	budget  time.Duration
	took    []time.Duration
	missing int // boots whose agent never started
}

// Bins of a histogram are tenths of the budget, up to twice of it; the last holds whatever took longer.
const (
	binsOfBudget = 10
	bins         = 2*binsOfBudget + 1
)

// Measures of a histogram, in pixels.
const (
	histogramHigh = 96
	histogramBase = 78 // where the bars stand
	histogramTop  = 14
)

// histograms sums up the boots of all courses, by provider and budget. A boot is measured as its budget is: from the move
// that it began with to its agent's start.
func histograms(courses []*course) []*histogram {
	var all []*histogram
	for _, c := range courses {
		for _, l := range c.lanes {
			for i := range l.boots {
				if l.boots[i].budget == 0 {
					continue // it is part of the one before
				}
				b, provider := &l.boots[i], c.plan.Workspaces[l.number-1].Provider
				at := slices.IndexFunc(all, func(h *histogram) bool { return h.Provider == provider && h.budget == b.budget })
				if at < 0 {
					at = len(all)
					all = append(all, &histogram{Provider: provider, Budget: invariant.Span(b.budget), budget: b.budget})
				}
				if b.started {
					all[at].took = append(all[at].took, (b.at - b.began).D())
				} else {
					all[at].missing++
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b *histogram) int {
		return cmp.Or(cmp.Compare(a.budget, b.budget), cmp.Compare(a.Provider, b.Provider))
	})
	for _, h := range all {
		h.draw()
	}
	return all
}

func (h *histogram) draw() {
	slices.Sort(h.took)
	late := 0
	var counts [bins]int
	for _, t := range h.took {
		if t > h.budget {
			late++
		}
		counts[min(int(max(t*binsOfBudget-1, 0)/h.budget), bins-1)]++ // what takes all of the budget is within it
	}
	h.Facts = plural(len(h.took)+h.missing, "boot", "boots")
	if n := len(h.took); n > 0 {
		h.Facts += fmt.Sprintf(", half within %s, slowest %s", span(h.took[(n-1)/2]), span(h.took[n-1]))
	}
	if late > 0 {
		h.Facts += fmt.Sprintf(", %d past the budget", late)
	}
	if h.missing > 0 {
		h.Facts += fmt.Sprintf(", %d never over", h.missing)
	}
	most := max(slices.Max(counts[:]), 1)
	m := markup{end: bins}
	m.element("svg", "class", "histogram", "width", "100%", "height", px(histogramHigh), "role", "img", "aria-label",
		fmt.Sprintf("boots of %s with a budget of %s: %s", h.Provider, h.Budget, h.Facts))
	m.element("line", "class", "grid", "x1", "0", "x2", "100%", "y1", px(histogramBase), "y2", px(histogramBase))
	m.close("line")
	for i, n := range counts {
		if n == 0 {
			continue
		}
		class := "bin"
		if i >= binsOfBudget {
			class = "bin late"
		}
		from, until := h.budget*time.Duration(i)/binsOfBudget, h.budget*time.Duration(i+1)/binsOfBudget
		title := fmt.Sprintf("%s to %s: %s", invariant.Span(from), invariant.Span(until), plural(n, "boot", "boots"))
		if i == bins-1 {
			title = fmt.Sprintf("%s or longer: %s", invariant.Span(from), plural(n, "boot", "boots"))
		}
		high := max((histogramBase-histogramTop-10)*n/most, 2)
		m.titled("rect", title, "class", class, "x", m.at(history.Time(i)), "y", px(histogramBase-high),
			"width", percent(0.86/bins), "height", px(high))
		m.text(fmt.Sprint(n), "class", "count mid", "x", percent((float64(i)+0.43)/bins), "y", px(histogramBase-high-3))
	}
	at := m.at(binsOfBudget)
	m.element("line", "class", "budget", "x1", at, "x2", at, "y1", "11", "y2", px(histogramBase+4))
	m.close("line")
	m.text("budget "+h.Budget, "class", "axis mid", "x", at, "y", "9")
	for _, mark := range []struct {
		bin  int
		text string
	}{{0, "0"}, {binsOfBudget / 2, invariant.Span(h.budget / 2)}, {binsOfBudget, h.Budget}, {binsOfBudget * 3 / 2, invariant.Span(h.budget * 3 / 2)}, {bins - 1, invariant.Span(2*h.budget) + "+"}} {
		class := "axis mid"
		switch mark.bin {
		case 0:
			class = "axis"
		case bins - 1:
			class = "axis last"
		}
		x := m.at(history.Time(mark.bin))
		if mark.bin == bins-1 {
			x = "100%"
		}
		m.text(mark.text, "class", class, "x", x, "y", px(histogramBase+15))
	}
	m.close("svg")
	h.Drawing = m.done()
}
