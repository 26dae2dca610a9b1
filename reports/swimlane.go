package reports

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
)

// swimlanes draws what happened to a scenario's workspaces over its time: a lane for each. The names stand beside the
// drawing, so that they stay where they are while it is moved and made wider.
type swimlanes struct {
	Names, Plot template.HTML
	End         string   // the time at the right edge, in microseconds
	Notes       []string // what was left out
}

// Bounds of a drawing.
const (
	maxLanes  = 256
	maxFaults = 12 // that have a row of their own; the others are windows across the lanes
	maxBands  = 48
	manyLanes = 40 // more than these are drawn closer
)

// Measures, in pixels. The width is the least that the plot has.
const (
	plotWidth  = 880
	namesWidth = 168
	momentHigh = 18
	axisHigh   = 18
	factHigh   = 16 // a fault's or a controller's row
	charWide   = 6.2
	// beatMarks is how many places calls can be distinguished at.
	beatMarks = 2 * plotWidth
)

// laneMeasures are those of a lane: of all of it, of the bar of statuses, and of the strip of calls.
type laneMeasures struct{ laneHigh, bar, barHigh, strip, stripHigh int }

var (
	roomy = laneMeasures{34, 7, 13, 23, 8}
	dense = laneMeasures{21, 5, 8, 14, 5}
)

// drawer draws one scenario.
type drawer struct {
	*course
	laneMeasures
	result *runs.Result
	blamed map[int][]invariant.Violation
	shown  []*lane
	tops   map[int]int // of lanes, by their numbers
	head   int         // how much room the name of the violation's moment takes
	top    int         // of the first lane
	high   int
	names  markup
	plot   markup
	notes  []string
}

// draw draws the course of a result.
func draw(c *course, x *runs.Result) swimlanes {
	d := &drawer{
		course: c, laneMeasures: roomy, result: x, blamed: map[int][]invariant.Violation{}, tops: map[int]int{},
		names: markup{end: c.end}, plot: markup{end: c.end},
	}
	for _, v := range x.Judgement.Violations() {
		d.blamed[v.Workspace] = append(d.blamed[v.Workspace], v)
	}
	d.choose()
	if len(d.shown) > manyLanes {
		d.laneMeasures = dense
	}
	if x.First != nil {
		d.head = momentHigh
	}
	facts := min(len(c.faults), maxFaults)
	replicas := d.eventful()
	d.top = d.head + axisHigh + factHigh*(facts+len(replicas))
	for i, l := range d.shown {
		d.tops[l.number] = d.top + i*d.laneHigh
	}
	d.high = d.top + len(d.shown)*d.laneHigh

	high := px(d.high)
	d.names.element("svg", "class", "names", "width", px(namesWidth), "height", high, "role", "presentation")
	d.plot.element("svg", "class", "plot", "width", "100%", "height", high, "role", "group", "aria-label",
		fmt.Sprintf("What happened to the workspaces of %s in %s", x.Scenario, invariant.Span(c.end.D())))
	d.axis()
	d.slowness()
	d.windows()
	for i := range facts {
		d.faultRow(&c.faults[i], d.head+axisHigh+factHigh*i)
	}
	if n := len(c.faults) - facts; n > 0 {
		d.notes = append(d.notes, fmt.Sprintf("%s no row here.", plural(n, "more fault has", "more faults have")))
	}
	for i, r := range replicas {
		d.replicaRow(r, d.head+axisHigh+factHigh*(facts+i))
	}
	for _, l := range d.shown {
		d.lane(l)
	}
	d.moment()
	d.plot.element("line", "class", "cursor", "y1", "0", "y2", high)
	d.plot.close("line")
	d.names.close("svg")
	d.plot.close("svg")
	return swimlanes{
		Names: d.names.done(), Plot: d.plot.done(), End: strconv.FormatInt(c.end.D().Microseconds(), 10), Notes: d.notes,
	}
}

// choose says which lanes are drawn: where there are too many, those of blamed workspaces before others.
func (d *drawer) choose() {
	d.shown = d.lanes
	if len(d.lanes) <= maxLanes {
		return
	}
	chosen := map[*lane]bool{}
	blamed := 0
	for _, l := range d.lanes {
		if len(d.blamed[l.number]) > 0 {
			blamed++
			if len(chosen) < maxLanes {
				chosen[l] = true
			}
		}
	}
	for _, l := range d.lanes {
		if len(chosen) < maxLanes {
			chosen[l] = true
		}
	}
	d.shown = slices.DeleteFunc(slices.Clone(d.lanes), func(l *lane) bool { return !chosen[l] })
	what := "none of them is blamed for anything"
	if n := blamed - maxLanes; n > 0 {
		what = fmt.Sprintf("%d of them are in violations", n)
	}
	d.notes = append(d.notes, fmt.Sprintf("%d of %d workspaces are not drawn; %s.", len(d.lanes)-maxLanes, len(d.lanes), what))
}

// eventful returns the controllers that have something to show, or all where there are several.
func (d *drawer) eventful() []*replicaCourse {
	var all []*replicaCourse
	for i := range d.replicas {
		r := &d.replicas[i]
		if len(d.replicas) > 1 || len(r.ticks) > 0 || len(r.ran) > 1 || len(r.ran) == 1 && (r.ran[0].from > 0 || r.ran[0].until < d.end) {
			all = append(all, r)
		}
	}
	return all
}

func (d *drawer) axis() {
	p := &d.plot
	for _, t := range append([]history.Time{0}, axis(d.end)...) {
		p.element("line", "class", "grid", "x1", p.at(t), "x2", p.at(t), "y1", px(d.head+axisHigh-4), "y2", px(d.high))
		p.close("line")
		if t == 0 {
			p.text("+0", "class", "axis", "x", "2", "y", px(d.head+axisHigh-6))
			continue
		}
		if p.share(t) < 0.97 {
			p.text("+"+invariant.Span(t.D()), "class", "axis mid", "x", p.at(t), "y", px(d.head+axisHigh-6))
		}
	}
}

// windows draws when faults held, across the lanes that they were about.
func (d *drawer) windows() {
	p := &d.plot
	bands := 0
	for i := range d.faults {
		f, of := &d.faults[i], d.plan.Faults[i]
		if !f.began {
			continue
		}
		band := func(y, high int) {
			if bands++; bands > maxBands {
				return
			}
			p.element("rect", "class", "window", "x", p.at(f.from), "y", px(y), "width", p.wide(f.from, f.until), "height", px(high))
			p.close("rect")
		}
		if of.Workspaces == nil {
			band(d.top, len(d.shown)*d.laneHigh)
			continue
		}
		for j := 0; j < len(d.shown); j++ { // lanes beside one another share a band
			k := j
			for k < len(d.shown) && slices.Contains(of.Workspaces, d.shown[k].number) {
				k++
			}
			if k > j {
				band(d.tops[d.shown[j].number], (k-j)*d.laneHigh)
				j = k
			}
		}
	}
	if bands > maxBands {
		d.notes = append(d.notes, fmt.Sprintf("%s not drawn across the lanes.", plural(bands-maxBands, "more fault's window is", "more faults' windows are")))
	}
}

func (d *drawer) faultRow(f *faultCourse, y int) {
	kind := d.plan.Faults[f.number-1].Kind
	d.names.text(fmt.Sprintf("fault %d  %s", f.number, kind), "class", "name fact", "x", "2", "y", px(y+factHigh-4))
	p := &d.plot
	if !f.began {
		p.text("never began", "class", "label", "x", "4", "y", px(y+factHigh-4))
		return
	}
	title := fmt.Sprintf("fault %d, %s: %s, struck %s", f.number, kind, between(f.from, f.until), times(len(f.strikes)))
	p.element("g", "role", "img", "aria-label", title)
	p.titled("rect", title, "class", "fault", "x", p.at(f.from), "y", px(y+3), "width", p.wide(f.from, f.until), "height", px(factHigh-6))
	d.marks("strike", f.strikes, y+4, factHigh-8, 0, factHigh-8)
	p.close("g")
}

func times(n int) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

func (d *drawer) replicaRow(r *replicaCourse, y int) {
	d.names.text(fmt.Sprintf("controller %d", r.number), "class", "name fact", "x", "2", "y", px(y+factHigh-4))
	p := &d.plot
	p.element("g", "role", "group", "aria-label", fmt.Sprintf("controller %d", r.number))
	for i, ran := range r.ran {
		p.titled("rect", fmt.Sprintf("controller %d ran %s", r.number, between(ran.from, ran.until)), "class", "ran",
			"x", p.at(ran.from), "y", px(y+5), "width", p.wide(ran.from, ran.until), "height", px(factHigh-10))
		if i > 0 {
			d.label("down", r.ran[i-1].until, ran.from, y+factHigh-4)
		}
	}
	if n := len(r.ran); n > 0 && r.ran[n-1].until < d.end {
		d.label("down", r.ran[n-1].until, d.end, y+factHigh-4)
	}
	if len(r.ticks) > 0 {
		var failed []history.Time
		for _, e := range r.ticks {
			failed = append(failed, e.At)
		}
		first := r.ticks[0]
		p.element("g")
		p.title(fmt.Sprintf("%s on controller %d, the first at %s, %s: %s", plural(len(r.ticks), "tick failed", "ticks failed"),
			r.number, invariant.Clock(first.At), first.By, shown(first.Err)))
		d.marks("refused", failed, y+2, factHigh-4, 0, factHigh-4)
		p.close("g")
	}
	p.close("g")
}

// label writes into a time what it is, where there is room for it.
func (d *drawer) label(text string, from, until history.Time, y int) {
	p := &d.plot
	if room := (p.share(until) - p.share(from)) * plotWidth; room > float64(utf8.RuneCountInString(text))*charWide+6 {
		p.text(text, "class", "label mid", "x", percent((p.share(from)+p.share(until))/2), "y", px(y))
	}
}

// marks draws a mark for each time, in a strip that is stretched over the whole width. Times that would lie on one another
// are one mark.
func (d *drawer) marks(class string, at []history.Time, y, high, from, until int) {
	if len(at) == 0 {
		return
	}
	p := &d.plot
	p.element("svg", "x", "0", "y", px(y), "width", "100%", "height", px(high), "viewBox", fmt.Sprintf("0 0 %d %d", beatMarks, high),
		"preserveAspectRatio", "none")
	var path []byte
	last := -1
	for _, t := range at {
		place := int(p.share(t) * beatMarks)
		if place == last {
			continue
		}
		last = place
		path = strconv.AppendInt(append(path, 'M'), int64(place), 10)
		path = strconv.AppendInt(append(path, ' '), int64(from), 10)
		path = strconv.AppendInt(append(path, 'v'), int64(until-from), 10)
	}
	p.element("path", "class", class, "d", string(path))
	p.close("path")
	p.close("svg")
}

// glyph draws one of the page's signs.
func (d *drawer) glyph(sign string, at history.Time, y int, title string) {
	d.plot.titled("use", title, "href", "#g-"+sign, "x", d.plot.at(at), "y", px(y))
}

func (d *drawer) lane(l *lane) {
	y := d.tops[l.number]
	p := &d.plot
	class, mark := "name", ""
	if len(d.blamed[l.number]) > 0 && l.number > 0 {
		class, mark = "name blamed", "✗ "
	}
	label := mark + l.name
	if l.number > 0 {
		label = fmt.Sprintf("%s%d  %s", mark, l.number, l.name)
	}
	d.names.element("g")
	d.names.title(strings.TrimSuffix(fmt.Sprintf("%s (%s)", label, l.about), " ()"))
	d.names.text(shorten(label, namesWidth/charWide), "class", class, "x", "2", "y", px(y+d.bar+d.barHigh-2))
	d.names.close("g")
	p.element("line", "class", "rule", "x1", "0", "x2", "100%", "y1", px(y), "y2", px(y))
	p.close("line")
	p.element("g", "role", "group", "data-lane", px(l.number), "aria-label", d.spoken(l))
	d.stays(l, y)
	d.calls(l, y+d.strip)
	d.signs(l, y)
	d.statusNames(l, y)
	p.close("g")
}

// spoken is a lane in words.
func (d *drawer) spoken(l *lane) string {
	text := l.name
	if l.number > 0 {
		text = fmt.Sprintf("workspace %d, %s", l.number, l.name)
	}
	const most = 8
	for i, s := range l.stays {
		if i == most {
			return text + fmt.Sprintf("; %d more", len(l.stays)-most)
		}
		text += fmt.Sprintf("; %s from %s", s.status, invariant.Clock(s.from))
	}
	return text
}

func shorten(s string, most float64) string {
	if r := []rune(s); float64(len(r)) > most {
		return string(r[:int(most)-1]) + "…"
	}
	return s
}

// stays draws the statuses. Where many changes lie within a hairline they are one bar that says how many.
func (d *drawer) stays(l *lane, y int) {
	p := &d.plot
	for i := 0; i < len(l.stays); i++ {
		s := &l.stays[i]
		j := i + 1
		for j < len(l.stays) && p.share(l.stays[j].until)-p.share(s.from) < hairline {
			j++
		}
		if j > i+1 && j < len(l.stays) {
			p.titled("rect", fmt.Sprintf("%d changes of status, %s", j-i, between(s.from, l.stays[j-1].until)), "class", "bar s-many",
				"x", p.at(s.from), "y", px(y+d.bar), "width", percent(hairline), "height", px(d.barHigh))
			i = j - 1
			continue
		}
		title := fmt.Sprintf("%s %s, incarnation %d, %s", s.status, between(s.from, s.until), s.inc, by(s.move))
		if s.move.Cause != "" {
			title += "; " + s.move.Cause
		}
		p.titled("rect", title, "class", "bar s-"+s.status.String(), "x", p.at(s.from), "y", px(y+d.bar),
			"width", p.wide(s.from, s.until), "height", px(d.barHigh))
	}
}

// statusNames writes into the bars what they are, over whatever else stands there.
func (d *drawer) statusNames(l *lane, y int) {
	if d.laneMeasures == roomy {
		for _, s := range l.stays {
			d.label(s.status.String(), s.from, s.until, y+d.bar+d.barHigh-3)
		}
	}
}

// calls draws the agent's calls: what was accepted low, what got no answer high, what was refused over all the height.
func (d *drawer) calls(l *lane, y int) {
	var accepted, refused, unheard []history.Time
	codes := map[int]int{}
	for _, c := range l.calls {
		switch {
		case c.Actor != history.ActorAgent:
		case c.Code == 0:
			unheard = append(unheard, c.At)
		case c.Code == 200:
			accepted = append(accepted, c.At)
		default:
			refused = append(refused, c.At)
			codes[c.Code]++
		}
	}
	if len(accepted)+len(refused)+len(unheard) == 0 {
		return
	}
	var parts []string
	if n := len(accepted); n > 0 {
		parts = append(parts, fmt.Sprintf("%d accepted, %s", n, between(accepted[0], accepted[n-1])))
	}
	if n := len(refused); n > 0 {
		var by []string
		for code := range 1000 {
			if codes[code] > 0 {
				by = append(by, fmt.Sprintf("%d × %d", codes[code], code))
			}
		}
		parts = append(parts, fmt.Sprintf("%d refused (%s), %s", n, strings.Join(by, ", "), between(refused[0], refused[n-1])))
	}
	if n := len(unheard); n > 0 {
		parts = append(parts, fmt.Sprintf("%d without an answer, %s", n, between(unheard[0], unheard[n-1])))
	}
	p := &d.plot
	p.element("g")
	p.title("calls of its agents: " + strings.Join(parts, "; "))
	p.element("rect", "class", "hit", "x", "0", "y", px(y), "width", "100%", "height", px(d.stripHigh))
	p.close("rect")
	third := d.stripHigh / 3
	d.marks("accepted", accepted, y, d.stripHigh, third, d.stripHigh)
	d.marks("unheard", unheard, y, d.stripHigh, 0, 2*third)
	d.marks("refused", refused, y, d.stripHigh, 0, d.stripHigh)
	p.close("g")
}

// signs draws what happened at one moment: phases of boots, budgets that ran out, machines, acts, sweeps, violations.
func (d *drawer) signs(l *lane, y int) {
	mid, low := y+d.bar+d.barHigh/2, y+d.strip+d.stripHigh/2
	for i := range l.boots {
		b := &l.boots[i]
		for _, e := range b.phases {
			if e.Kind == history.Boot {
				sign := "phase"
				if e.Phase == history.BootDied {
					sign = "died"
				}
				d.glyph(sign, e.At, mid, phaseText(e)+" at "+invariant.Clock(e.At))
			}
		}
		if b.budget == 0 {
			continue
		}
		if due := b.began + history.Time(b.budget); l.overdue(b, due) && due < d.end {
			d.glyph("due", due, mid, fmt.Sprintf("the boot's budget of %s is over at %s", invariant.Span(b.budget), invariant.Clock(due)))
		}
	}
	for _, m := range l.machines {
		if !m.launchUnseen {
			d.glyph("up", m.launched, low, fmt.Sprintf("machine %s launched at %s for incarnation %d", m.id, invariant.Clock(m.launched), m.inc))
		}
		for _, at := range m.again {
			d.glyph("up", at, low, fmt.Sprintf("machine %s of incarnation %d boots again at %s", m.id, m.inc, invariant.Clock(at)))
		}
		switch m.ended {
		case "":
		case history.Died:
			d.glyph("died", m.until, low, fmt.Sprintf("machine %s of incarnation %d died at %s", m.id, m.inc, invariant.Clock(m.until)))
		default:
			d.glyph("down", m.until, low, fmt.Sprintf("machine %s of incarnation %d %s at %s", m.id, m.inc, m.ended, invariant.Clock(m.until)))
		}
	}
	for _, s := range l.stays {
		if tick(s.move) {
			d.glyph("sweep", s.from, y+d.bar, fmt.Sprintf("%s at %s: %s → %s", s.move.By, invariant.Clock(s.from), statusName(s.move.From), s.status))
		}
	}
	for _, c := range l.calls {
		if c.Actor == history.ActorOperator && c.Call != "create" && c.Call != "list" {
			answer := "no answer: " + c.Err
			if c.Code != 0 {
				answer = fmt.Sprint(c.Code)
			}
			d.glyph("act", c.Sent, mid, fmt.Sprintf("the operator's %s, sent at %s: %s", c.Call, invariant.Clock(c.Sent), answer))
		}
	}
	told := map[string]bool{}
	for _, v := range d.blamed[l.number] {
		if l.number < 1 || told[v.Invariant] {
			continue
		}
		told[v.Invariant] = true
		d.plot.element("line", "class", "owed", "x1", d.plot.at(v.Since), "x2", d.plot.at(v.At), "y1", px(y+d.bar+d.barHigh+2), "y2", px(y+d.bar+d.barHigh+2))
		d.plot.close("line")
		d.glyph("bad", v.At, mid, fmt.Sprintf("violates %s at %s: %s", v.Invariant, invariant.Clock(v.At), shown(v.What)))
	}
}

// overdue reports whether the boot was still wanted and not over when its budget was.
func (l *lane) overdue(b *bootCourse, due history.Time) bool {
	if b.started && b.at <= due {
		return false
	}
	for _, s := range l.stays {
		if s.from > b.began && s.from < due && (s.inc != b.inc || s.status.Held()) {
			return false
		}
	}
	return true
}

func phaseText(e *history.Event) string {
	switch e.Phase {
	case history.ImagePulled:
		return "image pulled"
	case history.AgentStarted:
		return "agent started"
	case history.PreflightDone:
		return "LLM preflight ended"
	case history.BootDied:
		return "the boot died"
	default:
		return e.Phase
	}
}

// moment marks when the violation to look at first took place.
func (d *drawer) moment() {
	v := d.result.First
	if v == nil {
		return
	}
	p := &d.plot
	at, class := p.at(v.At), "momentname"
	if p.share(v.At) > 0.7 {
		class = "momentname last"
	}
	p.element("line", "class", "moment", "x1", at, "x2", at, "y1", px(momentHigh-4), "y2", px(d.high))
	p.close("line")
	p.text(fmt.Sprintf("✗ %s %s", v.Invariant, invariant.Clock(v.At)), "class", class, "x", at, "y", px(momentHigh-6))
}

// The statuses that are drawn, in the order of the legend.
func drawnStatuses() []string {
	var names []string
	for _, s := range lifecycle.Statuses() {
		names = append(names, s.String())
	}
	return names
}
