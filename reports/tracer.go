package reports

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/bootrace/bootrace/harness/history"
)

// tracer writes the events of one process in the Trace Event Format. They are written out by hand: a suite has tens of
// thousands of them.
type tracer struct {
	b      []byte
	pid    int
	tid    int // the last thread
	arrow  int
	arrows []arrow
}

// arrow leads from a slice to another.
type arrow struct {
	from, to int // threads
	sent, at history.Time
}

// piece is a slice that will stand somewhere, with what is within it.
type piece struct {
	cat, name   string
	from, until history.Time
	args        []any
	within      []piece
}

// thread begins another thread, below those that are there.
func (t *tracer) thread(name string) int {
	t.tid++
	t.meta("thread_name", t.tid, "name", name)
	t.meta("thread_sort_index", t.tid, "sort_index", t.tid)
	return t.tid
}

// spread writes slices into as many threads of the name as it takes for no two of a thread to overlap, which the format
// does not allow. It returns the thread of each.
func (t *tracer) spread(name string, pieces []piece) []int {
	order := make([]int, len(pieces))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(pieces[a].from, pieces[b].from) })
	tids := make([]int, len(pieces))
	var threads []int
	var free []history.Time // from when on each of them is
	for _, i := range order {
		p := &pieces[i]
		at := slices.IndexFunc(free, func(f history.Time) bool { return f <= p.from })
		if at < 0 {
			at = len(threads)
			threads, free = append(threads, t.thread(name)), append(free, 0)
		}
		free[at], tids[i] = p.until, threads[at]
		t.slice(tids[i], p.cat, p.name, p.from, p.until, p.args...)
		for _, w := range p.within {
			t.slice(tids[i], w.cat, w.name, w.from, w.until, w.args...)
		}
	}
	return tids
}

// slice writes a complete event.
func (t *tracer) slice(tid int, cat, name string, from, until history.Time, args ...any) {
	t.event('X', tid, cat, name, from)
	t.b = append(t.b, `,"dur":`...)
	t.b = strconv.AppendInt(t.b, until.D().Microseconds()-from.D().Microseconds(), 10)
	t.close(args)
}

// instant writes an instant event of the scope: t of its thread, p of its process.
func (t *tracer) instant(tid int, scope byte, cat, name string, at history.Time, args ...any) {
	t.event('i', tid, cat, name, at)
	t.b = append(t.b, `,"s":"`...)
	t.b = append(t.b, scope, '"')
	t.close(args)
}

// flow writes the two ends of an arrow. The end binds to the slice that it lies in, and not to the next one.
func (t *tracer) flow(a *arrow, id int) {
	for _, ph := range "sf" {
		tid, at := a.from, a.sent
		if ph == 'f' {
			tid, at = a.to, a.at
		}
		t.event(byte(ph), tid, "cause", "proof of life", at)
		t.b = append(t.b, `,"id":`...)
		t.b = strconv.AppendInt(t.b, int64(id), 10)
		if ph == 'f' {
			t.b = append(t.b, `,"bp":"e"`...)
		}
		t.b = append(t.b, '}')
	}
}

// meta writes a metadata event.
func (t *tracer) meta(name string, tid int, args ...any) {
	t.begin()
	t.b = append(t.b, `{"ph":"M","name":"`...)
	t.b = append(append(t.b, name...), '"')
	t.number("pid", t.pid)
	t.number("tid", tid)
	t.close(args)
}

func (t *tracer) begin() {
	if len(t.b) > 0 {
		t.b = append(t.b, ',')
	}
	t.b = append(t.b, '\n')
}

func (t *tracer) event(ph byte, tid int, cat, name string, at history.Time) {
	t.begin()
	t.b = append(append(append(t.b, `{"ph":"`...), ph), `","cat":"`...)
	t.b = append(append(t.b, cat...), `","name":`...)
	t.text(name)
	t.number("pid", t.pid)
	t.number("tid", tid)
	t.b = strconv.AppendInt(append(t.b, `,"ts":`...), at.D().Microseconds(), 10)
}

func (t *tracer) number(key string, n int) {
	t.b = append(append(append(t.b, `,"`...), key...), `":`...)
	t.b = strconv.AppendInt(t.b, int64(n), 10)
}

// close ends an event with its arguments. What is empty is left out.
func (t *tracer) close(args []any) {
	before := len(t.b)
	t.b = append(t.b, `,"args":`...)
	if !t.object(args...) {
		t.b = t.b[:before]
	}
	t.b = append(t.b, '}')
}

// object writes keys and values, given in turn, but for empty texts. It reports whether there was any.
func (t *tracer) object(pairs ...any) bool {
	t.b = append(t.b, '{')
	empty := true
	for i := 0; i+1 < len(pairs); i += 2 {
		value, isText := pairs[i+1].(string)
		if isText && value == "" {
			continue
		}
		if !empty {
			t.b = append(t.b, ',')
		}
		empty = false
		t.text(pairs[i].(string)) //nolint:forcetypeassert // a key is one
		t.b = append(t.b, ':')
		if isText {
			t.text(value)
		} else {
			t.b = strconv.AppendInt(t.b, int64(pairs[i+1].(int)), 10) //nolint:forcetypeassert // nothing else is ever given
		}
	}
	t.b = append(t.b, '}')
	return !empty
}

// text writes a text that may come from anybody.
func (t *tracer) text(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			t.b, _ = jsontext.AppendQuote(t.b, shown(s)) // it asks for valid UTF-8, and what is shown is
			return
		}
	}
	t.b = append(append(append(t.b, '"'), s...), '"')
}
