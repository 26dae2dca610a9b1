package reports

import (
	"fmt"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
)

// slowCourse is a stretch of time of which the machine of the run lost a part.
type slowCourse struct {
	interval
	level int // from 1, a little, to slowLevels, nearly all
	lost  time.Duration
}

// How slowness is drawn: in so many stretches at most, in so many shades.
const (
	slowSlots  = 240
	slowLevels = 4
)

// slowCourses divides the run into stretches, and says which of them the machine lost a part of.
func slowCourses(h *history.History, end history.Time) []slowCourse {
	lost := invariant.Lost(h)
	var all []slowCourse
	for i := range slowSlots {
		from, until := end*history.Time(i)/slowSlots, end*history.Time(i+1)/slowSlots
		if until <= from {
			continue
		}
		c := slowCourse{interval: interval{from, until}, lost: lost(from.D(), until.D())}
		c.level = int(float64(c.lost)/float64((until-from).D())*slowLevels + 0.5)
		if n := len(all); n > 0 && all[n-1].level == c.level {
			all[n-1].until = until
			all[n-1].lost += c.lost
			continue
		}
		all = append(all, c)
	}
	shown := all[:0]
	for _, c := range all {
		if c.level > 0 {
			shown = append(shown, c)
		}
	}
	return shown
}

// slowness shades the times in which this machine was slow, across everything.
func (d *drawer) slowness() {
	p := &d.plot
	for _, s := range d.slow {
		title := fmt.Sprintf("this machine was slow: %s, it lost %s", between(s.from, s.until), invariant.Span(s.lost))
		p.titled("rect", title, "class", "slow slow"+strconv.Itoa(s.level), "x", p.at(s.from), "y", px(d.top), "width", p.wide(s.from, s.until),
			"height", px(len(d.shown)*d.laneHigh))
	}
}

// slow writes what each source measured.
func (t *tracer) slow(events []*history.Event) {
	threads := map[string]int{}
	for _, e := range events {
		tid, ok := threads[e.By]
		if !ok {
			tid = t.thread("this machine: " + e.By)
			threads[e.By] = tid
		}
		if e.By == hiccup.Pressure {
			t.slice(tid, "machine", fmt.Sprintf("%d%% waited", e.Share), e.Sent, e.At)
			continue
		}
		t.slice(tid, "machine", "slow", e.Sent, e.At, "lost", invariant.Span(e.Lost.D()), "worst", invariant.Span(e.Worst.D()))
	}
}
