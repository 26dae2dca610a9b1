package invariant

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/harness/history"
)

// storedAsSent judges that what a reply shows of a workspace is what was sent last: by its operator when it was created, by its
// agent's registers, heartbeats and updates of its card.
func storedAsSent(v *View, r *report) {
	for _, s := range v.Spaces {
		k := kept{view: v, space: s}
		for _, l := range looks(s) {
			if what := k.misshown(l, r); what != "" {
				r.violated(Violation{
					Workspace: s.Number, Since: l.Sent, At: l.At,
					What:     fmt.Sprintf("%s at %s shows %s", shownBy(l), Clock(l.At), what),
					Expected: "what was sent last, or what may have been",
				})
				break
			}
		}
		k.mislaunched(r)
		k.misfed(r)
	}
}

// looks are the replies that show the workspace, in the order of their ends.
func looks(s *Space) []*history.Event {
	var all []*history.Event
	for _, c := range s.Calls {
		if c.Call == "get" && c.Data != "" {
			all = append(all, c)
		}
	}
	for _, l := range s.Lists {
		if l.Data != "" {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b *history.Event) int { return cmp.Compare(a.At, b.At) })
	return all
}

func shownBy(l *history.Event) string {
	if l.Call == "list" {
		return "the list"
	}
	return "GET"
}

// write is a call that may have stored something, between two times.
type write struct {
	call        *history.Event
	from, until time.Duration
	certain     bool   // it was granted
	data        values // what it sent
	unknown     bool   // what it sent is not known
}

// kept is what may be stored of a workspace.
type kept struct {
	view   *View
	space  *Space
	writes []write // in the order in which they were sent
	shown  values  // by the look that is judged
}

// The fields of a workspace, by who sends them.
var (
	fieldsOfCreate = []string{"name", "runtime", "model", "tier", "parent_id", "external"}
	fieldsOfBeat   = []string{"last_error_rate", "last_sample_error", "active_tasks", "current_task", "runtime_state"}
)

// values are an event's fields in their order, taken apart once.
type values []struct{ name, value string }

func valuesOf(data string) values {
	var v values
	for name, value := range history.EachField(data) {
		v = append(v, struct{ name, value string }{name, value})
	}
	return v
}

func (v values) get(name string) string {
	for i := range v {
		if v[i].name == name {
			return v[i].value
		}
	}
	return ""
}

// collect gathers the writes of the workspace.
func (k *kept) collect() {
	if k.writes != nil {
		return
	}
	k.writes = []write{}
	calls := slices.DeleteFunc(slices.Clone(k.space.Calls), func(c *history.Event) bool {
		return c.Call != "create" && c.Call != "register" && c.Call != "heartbeat" && c.Call != "update-card"
	})
	for _, c := range k.space.Intruded {
		if agents(c.Call) && c.Code/100 == 2 && !k.view.barred(k.space, c) {
			calls = append(calls, c)
		}
	}
	slices.SortStableFunc(calls, func(a, b *history.Event) int { return cmp.Compare(a.Sent, b.Sent) })
	said := map[int]values{} // by incarnation: a heartbeat without data says what the one before said, whatever came of that
	for _, c := range calls {
		var data values
		if c.Call == "heartbeat" && c.Data == "" {
			data = said[c.Inc]
		} else {
			data = valuesOf(c.Data)
		}
		if c.Call == "heartbeat" {
			said[c.Inc] = data
		}
		if c.Code != 0 && c.Code < 500 && c.Code/100 != 2 || c.Code == 0 && answeredLate(k.space, c) {
			continue
		}
		w := write{
			call: c, from: c.Sent.D() - k.view.tolerance, until: c.At.D() + k.view.tolerance, certain: c.Code/100 == 2, data: data,
			unknown: data == nil,
		}
		if c.Code == 0 {
			w.until = always
		}
		k.writes = append(k.writes, w)
	}
}

// possible are the writes of the calls whose outcome a look between the times may show: none that was over before another one
// that was granted was sent, which was over before the look. It reports, too, whether the look may show what there was before any.
func (k *kept) possible(l *history.Event, calls ...string) (some []write, initial bool) {
	from, until := l.Sent.D()-k.view.tolerance, l.At.D()+k.view.tolerance
	last := time.Duration(-1)
	for i := range k.writes {
		if w := &k.writes[i]; w.certain && w.until < from && slices.Contains(calls, w.call.Call) {
			last = max(last, w.from)
		}
	}
	for i := range k.writes {
		if w := &k.writes[i]; w.from <= until && w.until >= last && slices.Contains(calls, w.call.Call) {
			some = append(some, *w)
		}
	}
	// A boot that begins may leave all as it was, or forget it: the wire says neither.
	for _, m := range k.space.Moves {
		if m.At.D() <= until && k.space.begins(m) && m.At.D() >= last-k.view.tolerance {
			initial = true
		}
	}
	return some, initial || last < 0
}

// begins reports whether the move begins another boot, or another wait for an agent.
func (s *Space) begins(m *history.Event) bool {
	for i, o := range s.Moves {
		if o == m {
			return i == 0 || s.Moves[i-1].Inc != m.Inc || m.To.String() == "awaiting_agent"
		}
	}
	return false
}

// misshown returns what the look shows that was never sent, or was sent before something else, or nothing.
func (k *kept) misshown(l *history.Event, r *report) string {
	k.collect()
	k.shown = valuesOf(l.Data)
	created, _ := k.possible(l, "create")
	for _, name := range fieldsOfCreate {
		if what := k.field(name, created, false, r); what != "" {
			return what
		}
	}
	some, initial := k.possible(l, "create", "register")
	if what := k.field("url", some, initial, r); what != "" {
		return what
	}
	some, initial = k.possible(l, "register", "update-card")
	if what := k.field("agent_card", some, initial, r); what != "" {
		return what
	}
	if what := k.beat(l, r); what != "" {
		return what
	}
	if what := k.incarnation(l, r); what != "" {
		return what
	}
	return k.times(l, r)
}

// incarnation judges which boot the look says is the current one.
func (k *kept) incarnation(l *history.Event, r *report) string {
	shown, err := strconv.Atoi(k.shown.get("incarnation"))
	if err != nil || k.view.polled || len(k.space.Moves) == 0 {
		return ""
	}
	r.owed()
	from, until := l.Sent.D()-k.view.tolerance, l.At.D()+k.view.tolerance
	_, inc := k.space.at(from)
	if shown == inc || k.space.moved(from, until, func(m *history.Event) bool { return m.Inc == shown }) {
		return ""
	}
	return fmt.Sprintf("incarnation %d, and it is %d", shown, inc)
}

// field judges one field by itself, of which some calls may show. It may be empty where none of them need be stored.
func (k *kept) field(name string, some []write, initial bool, r *report) string {
	shown := k.shown.get(name)
	if k.view.hides(name) {
		return ""
	}
	for _, w := range some {
		if w.unknown || w.data.get(name) == shown {
			r.owed()
			return ""
		}
	}
	if shown == "" && (initial || len(some) == 0) {
		return ""
	}
	if len(some) == 0 && k.view.Plan.Live != nil {
		return "" // who created it did so before this history
	}
	if name == "runtime" && len(some) > 0 && some[0].data.get(name) == "" {
		return "" // one that was left out is the controller's to choose
	}
	r.owed()
	return fmt.Sprintf("%s %q, and %s", name, shown, lastSent(some, name))
}

func lastSent(some []write, name string) string {
	if len(some) == 0 {
		return "nobody sent one"
	}
	w := some[len(some)-1]
	return fmt.Sprintf("what was sent last, by the %s of %s, is %q", w.call.Call, Clock(w.call.Sent), w.data.get(name))
}

// beat judges the fields that heartbeats send, all of which must be one heartbeat's.
func (k *kept) beat(l *history.Event, r *report) string {
	some, initial := k.possible(l, "heartbeat")
	if initial && k.nothing() || len(some) == 0 && k.view.Plan.Live != nil {
		return ""
	}
	r.owed()
	odd, best := "", write{}
	for i := len(some) - 1; i >= 0; i-- {
		w := some[i]
		name := k.differs(&w)
		if name == "" {
			return ""
		}
		if odd == "" {
			odd, best = name, w
		}
	}
	if odd == "" {
		for _, name := range append(slices.Clone(fieldsOfBeat), "uptime_seconds") {
			if shown := k.shown.get(name); shown != "" {
				return fmt.Sprintf("%s %q, and no heartbeat can have been stored", name, shown)
			}
		}
		return ""
	}
	want := best.data.get(odd)
	if odd == "uptime_seconds" {
		want = strconv.FormatInt(k.uptime(best.call), 10)
	}
	return fmt.Sprintf("%s %q, and the heartbeat of %s, which was stored last or later, said %q", odd, k.shown.get(odd),
		Clock(best.call.Sent), want)
}

// nothing reports whether the look shows no word of any heartbeat.
func (k *kept) nothing() bool {
	return k.shown.get("uptime_seconds") == "" && !slices.ContainsFunc(fieldsOfBeat, func(name string) bool { return k.shown.get(name) != "" })
}

// differs returns the first field in which the look differs from what the heartbeat said, or nothing.
func (k *kept) differs(w *write) string {
	if w.unknown {
		return ""
	}
	for _, name := range fieldsOfBeat {
		said := w.data.get(name)
		if name == "active_tasks" && said == "0" {
			said = ""
		}
		if k.shown.get(name) != said && !k.view.hides(name) {
			return name
		}
	}
	shown, _ := strconv.ParseInt(k.shown.get("uptime_seconds"), 10, 64)
	if up := k.uptime(w.call); up >= 0 && k.view.Plan.Live == nil && shown != up {
		return "uptime_seconds"
	}
	return ""
}

// uptime is how long its agent had run when it made the call, in whole seconds; -1 where that is not known.
func (k *kept) uptime(c *history.Event) int64 {
	began := time.Duration(-1)
	for _, a := range k.space.Agents {
		if a.Phase == history.Started && a.Inc == c.Inc && a.At <= c.Sent {
			began = a.At.D()
		}
	}
	if began < 0 {
		return -1
	}
	return int64((c.Sent.D() - began) / time.Second)
}

// times judges when the workspace was created, moved last, and heard of last.
func (k *kept) times(l *history.Event, r *report) string {
	v, s := k.view, k.space
	if v.Plan.Live != nil || v.clockBy > 0 || len(s.Moves) == 0 {
		return ""
	}
	at := func(name string) (time.Duration, bool) {
		us, err := strconv.ParseInt(k.shown.get(name), 10, 64)
		return time.Duration(us) * time.Microsecond, err == nil
	}
	if created, ok := at("created_at"); ok {
		r.owed()
		if !slices.ContainsFunc(k.writes, func(w write) bool {
			return w.call.Call == "create" && created >= w.from && created <= min(w.until, s.Moves[0].At.D())
		}) {
			return fmt.Sprintf("that it was created at %s, and it was created at %s", clock(created), Clock(s.Moves[0].At))
		}
	}
	if seen, ok := at("last_heartbeat_at"); ok {
		r.owed()
		some, initial := k.possible(l, "heartbeat", "register")
		fits := func(w write) bool { return seen >= w.from && seen <= w.until }
		born := initial && s.Moves[0].To.String() == "online" && seen <= s.Moves[0].At.D() // which counts as heard of
		if !born && !slices.ContainsFunc(some, fits) {
			return fmt.Sprintf("that it was heard of last at %s, and %s", clock(seen), heardLast(some))
		}
	}
	if moved, ok := at("updated_at"); ok && !v.hindered(moved-time.Minute, l.At.D()) {
		r.owed()
		from, until := l.Sent.D(), l.At.D()
		var last time.Duration
		for _, m := range s.Moves {
			if m.At.D() <= from {
				last = m.At.D()
			}
		}
		if (moved > last || last-moved > v.slack()) && !s.moved(from, until, func(m *history.Event) bool {
			return moved <= m.At.D() && m.At.D()-moved <= v.slack()
		}) {
			return fmt.Sprintf("that it moved last at %s, and it moved at %s", clock(moved), clock(last))
		}
	}
	return ""
}

func heardLast(some []write) string {
	for i := len(some) - 1; i >= 0; i-- {
		if some[i].certain {
			return fmt.Sprintf("the %s of %s was the last that may have been accepted", some[i].call.Call, Clock(some[i].call.Sent))
		}
	}
	return "no call of its agent was accepted then"
}

// mislaunched judges that machines are launched as they were asked for.
func (k *kept) mislaunched(r *report) {
	for _, c := range k.space.Clouds {
		if c.Call != "launch" || c.Data == "" {
			continue
		}
		k.collect()
		some, _ := k.possible(c, "create")
		for _, name := range []string{"name", "runtime", "model", "template", "tier"} {
			asked := history.Field(c.Data, name)
			if len(some) == 0 || slices.ContainsFunc(some, func(w write) bool {
				return w.unknown || w.data.get(name) == asked || name == "runtime" && w.data.get(name) == ""
			}) {
				continue
			}
			r.owed()
			r.violated(Violation{
				Workspace: k.space.Number, Since: c.Sent, At: c.At,
				What:     fmt.Sprintf("its launch at %s asks for %s %q, and %s", Clock(c.Sent), name, asked, lastSent(some, name)),
				Expected: "a machine as the workspace was created",
			})
			return
		}
	}
}

// misfed judges the events feed: what it shows of the workspace is the end of the transition log, with nothing left out, as far
// back as the feed goes.
func (k *kept) misfed(r *report) {
	v, s := k.view, k.space
	if v.fed == nil || len(s.Logs) != len(s.Moves) {
		return // event-iff-transition judges a log that is not as the moves are
	}
	r.owed()
	committed := 0
	for _, m := range s.Moves {
		if m.At < v.fed.Sent {
			committed++
		}
	}
	shown := slices.Clone(s.Feed)
	slices.Reverse(shown)
	var what string
	switch n := len(shown); {
	case n == 0 && (v.feedLong || committed == 0):
		return
	case n > len(s.Logs):
		what = fmt.Sprintf("%d entries, and its log has %d", n, len(s.Logs))
	default:
		first := len(s.Logs) - n
		for ; first > 0 && !v.sameEntries(shown, s.Logs[first:]); first-- {
		}
		switch {
		case !v.sameEntries(shown, s.Logs[first:]):
			what = "an entry that is not in its log: " + v.oddEntry(shown, s.Logs)
		case first+n < committed:
			what = fmt.Sprintf("%d transitions, and %d were over when it was asked for", first+n, committed)
		case first > 0 && !v.feedLong:
			what = fmt.Sprintf("only its last %d transitions, and there is room for more", n)
		default:
			return
		}
	}
	r.violated(Violation{
		Workspace: s.Number, Since: v.fed.Sent, At: v.fed.At, What: fmt.Sprintf("the events feed at %s shows %s", Clock(v.fed.At), what),
		Expected: "the end of the transition log, as it is",
	})
}

// sameEntries reports whether the log begins with the entries that a feed shows.
func (v *View) sameEntries(shown, log []*history.Event) bool {
	return slices.EqualFunc(shown, log[:min(len(shown), len(log))], sameEntry)
}

func sameEntry(e, l *history.Event) bool {
	return e.Data == "" && e.Event == l.Event && e.From == l.From && e.To == l.To && e.Inc == l.Inc && e.Cause == l.Cause && e.Logged == l.Logged
}

// oddEntry says which entry of the feed is in no log.
func (v *View) oddEntry(shown, log []*history.Event) string {
	for _, e := range shown {
		if !slices.ContainsFunc(log, func(l *history.Event) bool { return sameEntry(e, l) }) {
			return fmt.Sprintf("%s from %q to %q in incarnation %d, at %s %s", e.Event, e.From, e.To, e.Inc, Clock(e.Logged), e.Data)
		}
	}
	return "they are in another order"
}
