package storetest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// The draws of RunModel choose from few values, so that calls often meet: the same ids, times at the edges of deadlines
// and TTLs, tokens that are right, void, wrong or missing.

const fleet = 6 // how many ids there are

func (m *model) id(t *rapid.T) uuid.UUID { return idOf(uint64(rapid.IntRange(1, fleet).Draw(t, "id"))) }

// one returns a workspace as it is, or, rarely, one with nothing but an id that may be unknown.
func (m *model) one(t *rapid.T) store.Workspace {
	if len(m.ids) == 0 || rapid.IntRange(0, 19).Draw(t, "unknown") == 0 {
		return store.Workspace{ID: m.id(t)}
	}
	w := store.Workspace{ID: rapid.SampledFrom(m.ids).Draw(t, "one")}
	if got, err := m.a.Get(m.ctx, w.ID); err == nil {
		w = got
	}
	return w
}

// spans are the distances that times are at from each other.
var spans = []time.Duration{0, tick - 1, tick, time.Second, 30 * time.Second, extTTL, ttl, store.MaxStall}

// span draws one of the distances, or the finest bit off it.
func span(t *rapid.T, label string) time.Duration {
	d := rapid.SampledFrom(spans).Draw(t, label)
	return d + rapid.SampledFrom([]time.Duration{0, 0, -tick, tick, 1, -1}).Draw(t, label+" off")
}

// time draws the clock's time, moved on; or one near something that will be due; or, as from a replica whose clock is
// wrong or a call that was held up, one of the past.
func (m *model) time(t *rapid.T) time.Time {
	switch rapid.IntRange(0, 9).Draw(t, "kind of time") {
	case 0:
		return m.now.Add(-span(t, "back"))
	case 1, 2, 3:
		w := m.one(t)
		due := rapid.SampledFrom([]time.Time{
			w.BootDeadline, w.LastSeenAt.Add(ttl), w.LastSeenAt.Add(extTTL), w.LaunchAfter, w.LastSeenAt.Add(-store.MaxStall),
			w.BootStartedAt, w.CreatedAt,
		}).Draw(t, "due")
		due = later(due, rapid.SampledFrom([]time.Duration{0, -tick, tick, 1, -1}).Draw(t, "off"))
		if due.After(m.now) {
			m.now = due
		}
		return due
	case 4:
		return time.Time{}
	default:
		m.now = m.now.Add(span(t, "on"))
		return m.now
	}
}

// later adds to a time, but for those that are zero: nothing is at a distance from what has not happened.
func later(t time.Time, d time.Duration) time.Time {
	if t.Year() < epoch.Year()-1 {
		return time.Time{}
	}
	return t.Add(d)
}

// near draws a time at what is due of some workspace, or the finest bit off it; or, sometimes, any.
func (m *model) near(t *rapid.T, due func(store.Workspace) time.Time) time.Time {
	if rapid.IntRange(0, 3).Draw(t, "any time") == 0 {
		return m.time(t)
	}
	var all []time.Time
	rows, _ := m.a.Lookup(m.ctx, m.ids)
	for _, w := range rows {
		if at := due(w); !at.IsZero() {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return m.time(t)
	}
	at := later(rapid.SampledFrom(all).Draw(t, "due"), rapid.SampledFrom([]time.Duration{0, 0, 0, -tick, tick, -1, 1}).Draw(t, "off"))
	if at.After(m.now) {
		m.now = at
	}
	return at
}

// token draws what an agent of the workspace presents.
func (m *model) token(t *rapid.T, w store.Workspace) store.TokenHash {
	choices := []store.TokenHash{w.Token, w.Token, w.Token, {}, token("wrong")}
	if len(m.old) > 0 {
		choices = append(choices, rapid.SampledFrom(m.old).Draw(t, "old token"))
	}
	return rapid.SampledFrom(choices).Draw(t, "token")
}

func (m *model) newToken(t *rapid.T) store.TokenHash {
	return rapid.SampledFrom([]store.TokenHash{{}, token("1"), token("2"), token("3")}).Draw(t, "new token")
}

// incarnation draws the workspace's, an older or newer one, or none where that is allowed.
func (m *model) incarnation(t *rapid.T, w store.Workspace, none bool) int {
	choices := []int{w.Incarnation, w.Incarnation, w.Incarnation - 1, w.Incarnation + 1}
	if none {
		choices = append(choices, 0, 0, 0)
	}
	return rapid.SampledFrom(choices).Draw(t, "incarnation")
}

func (m *model) workspace(t *rapid.T) store.Workspace {
	w := store.Workspace{
		ID: m.id(t), Name: text(t, "name"), Runtime: text(t, "runtime"), Model: text(t, "model"), Template: text(t, "template"),
		Tier: count(t, "tier"), External: rapid.IntRange(0, 2).Draw(t, "external") == 0, URL: text(t, "url"), Card: card(t),
		Incarnation: rapid.IntRange(0, 3).Draw(t, "incarnation"), BootStartedAt: m.time(t),
		Token: m.newToken(t), TokenConfirmed: rapid.Bool().Draw(t, "confirmed"),
		MachineID: machine(t), MachineIncarnation: rapid.IntRange(0, 3).Draw(t, "machine's"),
		LaunchAttempts: count(t, "attempts"), LaunchError: text(t, "launch error"), CreatedAt: m.time(t),
		ErrorRate: rapid.Float64Range(0, 1).Draw(t, "rate"), SampleError: text(t, "error"), ActiveTasks: count(t, "tasks"),
		UptimeSeconds: int64(count(t, "uptime")), CurrentTask: text(t, "task"), RuntimeState: text(t, "state"),
	}
	if rapid.Bool().Draw(t, "deadline") {
		w.BootDeadline = later(w.BootStartedAt, span(t, "budget"))
	}
	if rapid.Bool().Draw(t, "seen") {
		w.LastSeenAt = m.time(t)
	}
	if rapid.Bool().Draw(t, "leased") {
		w.LaunchAfter = m.time(t)
	}
	if rapid.Bool().Draw(t, "no machine") {
		w.MachineID = ""
	}
	switch rapid.IntRange(0, 4).Draw(t, "parent") {
	case 0:
		w.ParentID = uuid.NullUUID{UUID: m.id(t), Valid: true}
	case 1, 2:
		w.ParentID = uuid.NullUUID{UUID: m.one(t).ID, Valid: true}
	}
	return w
}

func anyEvent(t *rapid.T) lifecycle.Event {
	return rapid.SampledFrom(append(lifecycle.Events(), lifecycle.NoEvent, lifecycle.Event(200))).Draw(t, "event")
}

// beatEvent draws mostly what a heartbeat can be.
func beatEvent(t *rapid.T) lifecycle.Event {
	if rapid.IntRange(0, 9).Draw(t, "odd event") == 0 {
		return anyEvent(t)
	}
	return rapid.SampledFrom([]lifecycle.Event{lifecycle.Beat, lifecycle.Beat, lifecycle.BeatRough, lifecycle.BeatSick}).Draw(t, "beat")
}

func text(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"", "", "x", "it's; \"that\"", "näme ☃", "nul\x00", "bad\xff\xfe", "\x00\xc3"}).Draw(t, label)
}

func machine(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "i-1", "i-2", "i-\x00"}).Draw(t, "machine")
}

func card(t *rapid.T) json.RawMessage {
	c := rapid.SampledFrom([]json.RawMessage{nil, {}, []byte(`{ "a": 1,"a":2}`), []byte("\"\xff\""), []byte("null")}).Draw(t, "card")
	return slices.Clone(c)
}

func count(t *rapid.T, label string) int {
	return rapid.SampledFrom([]int{0, 1, 7, -1, 1 << 40}).Draw(t, label)
}

func limit(t *rapid.T) int { return rapid.SampledFrom([]int{100, 100, 1, 2, 0}).Draw(t, "limit") }
