package reports

import (
	"html"
	"html/template"
	"strconv"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
)

// markup builds SVG. It is written out by hand, since html/template takes nine times as long for each of the thousands of
// elements of a large fleet. Whatever is not a constant of this package goes through attributes and text, which escape it.
type markup struct {
	b   []byte
	end history.Time // the time at the right edge
}

// element opens an element with attributes, given as names and values in turn.
func (m *markup) element(name string, attributes ...string) {
	m.b = append(append(m.b, '<'), name...)
	for i := 0; i+1 < len(attributes); i += 2 {
		m.b = append(append(m.b, ' '), attributes[i]...)
		m.b = append(m.b, `="`...)
		m.escape(attributes[i+1])
		m.b = append(m.b, '"')
	}
	m.b = append(m.b, '>')
}

func (m *markup) close(name string) {
	m.b = append(append(append(m.b, `</`...), name...), '>')
}

// titled writes an element with nothing in it but what a pointer that rests on it shows, and a screen reader reads.
func (m *markup) titled(name, title string, attributes ...string) {
	m.element(name, attributes...)
	m.title(title)
	m.close(name)
}

func (m *markup) title(text string) {
	m.element("title")
	m.escape(text)
	m.close("title")
}

func (m *markup) text(text string, attributes ...string) {
	m.element("text", attributes...)
	m.escape(text)
	m.close("text")
}

// escape writes a text that may come from anybody.
func (m *markup) escape(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' || c >= 0x7f {
			m.b = append(m.b, html.EscapeString(shown(s))...)
			return
		}
	}
	m.b = append(m.b, s...)
}

// at is where a time stands, in hundredths of the width: so a drawing can be made wider without being made anew, and
// texts and lines in it stay as they are.
func (m *markup) at(t history.Time) string { return percent(m.share(t)) }

// wide is how wide a time is drawn. What is short is still seen.
func (m *markup) wide(from, until history.Time) string {
	return percent(max(m.share(until)-m.share(from), hairline))
}

// share is where a time stands, between 0 and 1.
func (m *markup) share(t history.Time) float64 {
	if m.end <= 0 {
		return 0
	}
	return min(max(float64(t)/float64(m.end), 0), 1)
}

// hairline is the least width of anything, as a share of the whole.
const hairline = 0.001

func percent(share float64) string {
	text := strconv.FormatFloat(100*share, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "%"
}

func px(n int) string { return strconv.Itoa(n) }

// done returns what was drawn.
func (m *markup) done() template.HTML {
	return template.HTML(m.b) //nolint:gosec // all of it was escaped on its way in
}

// steps are the distances that marks of an axis may have.
var steps = []time.Duration{
	10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour,
}

// axisMarks is how many marks an axis has at most.
const axisMarks = 10

// axis returns the times that are marked on an axis.
func axis(end history.Time) []history.Time {
	step := steps[len(steps)-1]
	for _, s := range steps {
		if end.D() <= axisMarks*s {
			step = s
			break
		}
	}
	for end.D() > axisMarks*step {
		step *= 2
	}
	var marks []history.Time
	for t := step; t < end.D(); t += step {
		marks = append(marks, history.Time(t))
	}
	return marks
}

// between writes a time with a beginning and an end.
func between(from, until history.Time) string {
	return invariant.Clock(from) + " to " + invariant.Clock(until) + " (" + invariant.Span(until.D()-from.D()) + ")"
}
