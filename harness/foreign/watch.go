package foreign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/foreign/dialect"
	"github.com/bootrace/bootrace/harness/history"
)

// watch reads the statuses again and again until ctx is done.
func (w *world) watch(ctx context.Context) {
	answered := w.now()
	for {
		if !w.session.client.limit.pace(ctx) {
			return
		}
		if w.session.client.limit.waited() {
			answered = w.now()
		}
		err := w.read(ctx, time.Now().Add(-w.session.target.Poll/2))
		var call *CallError
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			answered = w.now()
		case errors.As(err, &call) && call.Err == nil && !unsteady(call), w.now()-answered > w.session.patience:
			if w.now()-answered > w.session.patience {
				err = fmt.Errorf("it has not shown its workspaces for %s: %w", w.session.patience, err)
			}
			w.broken(err)
			return
		}
		if !sleep(ctx, w.session.target.Poll) {
			return
		}
	}
}

// unsteady reports whether the answer may be another one soon: a server that restarts, or a proxy in front of it.
func unsteady(e *CallError) bool {
	return strings.HasPrefix(e.Why, "answered 5") || strings.HasPrefix(e.Why, "answered 429")
}

// watched is what reading has come to know.
type watched struct {
	asked history.Time     // when the feed was last read
	seen  map[feedKey]bool // entries of the events feed
	// pending are entries about workspaces that nobody knows yet, or that are nobody's here.
	pending map[string][]feedEntry
	none    bool // there is no events feed
	fed     bool // it was read
	unfed   int  // how often it could not be, before it ever was
}

type feedKey struct{ workspace, kind, at, whole string }

// feedEntry is an entry of the events feed.
type feedEntry struct {
	dialect.Entry
	since history.Time // when the feed was read that lacked it
}

func (e feedEntry) key() feedKey {
	return feedKey{e.Workspace, e.Type, e.At.Format(time.RFC3339Nano), e.Whole}
}

// status is what the entry says that the workspace became. It returns none where it says nothing of that, and reports whether
// that is known of such entries.
func (e feedEntry) status(words map[string]lifecycle.Status) (to lifecycle.Status, cause string, known bool) {
	if e.To != lifecycle.None {
		return e.To, e.Cause, true
	}
	to, known = words[e.Type]
	return to, "", known
}

// read looks at all workspaces once: at the list, and then at the events feed, which shows what came and went since the
// last look.
//
// What others have read since the time will do.
func (w *world) read(ctx context.Context, since time.Time) error {
	w.reading <- struct{}{}
	defer func() { <-w.reading }()
	all, when, err := w.session.lists.read(ctx, since, w.session.client.list)
	if err != nil {
		return err
	}
	asked := w.at(when)
	listed := map[string]shown{}
	for _, there := range all {
		listed[there.ID] = there
	}
	if err := w.feed(ctx, since); err != nil {
		return err
	}
	for _, m := range w.members {
		id := m.workspace()
		if id == "" {
			continue
		}
		there, ok := listed[id]
		since := asked
		w.listed(m, asked, there, ok)
		if !ok {
			since = history.Time(w.now())
			if there, ok, err = w.look(ctx, id); err != nil {
				return err
			}
		}
		w.write(m.number, since, there, ok)
		w.tell(m.number, w.known.pending[id])
		delete(w.known.pending, id)
		m.readTwins(listed)
	}
	w.mu.Lock()
	stray := w.stray
	w.mu.Unlock()
	if stray != "" {
		there, ok, err := w.look(ctx, stray)
		if err != nil {
			return err
		}
		if ok {
			w.write(0, asked, there, true)
		}
	}
	return nil
}

// listed writes down what is odd about how the list shows the member, each time that it begins: it lacks it, or shows it as
// removed. What else it shows is read as any other look is.
func (w *world) listed(m *member, asked history.Time, there shown, ok bool) {
	e := history.Event{Kind: history.Reading, WS: m.number, Call: history.List, Sent: asked, To: there.Status}
	odd := !ok || e.To == lifecycle.Removed
	if odd && !m.unlisted {
		w.add(e)
	}
	m.unlisted = odd
}

// look reads one workspace, which may be removed.
func (w *world) look(ctx context.Context, id string) (there shown, ok bool, err error) {
	r, err := w.session.client.operate(ctx, dialect.Get, id)
	switch {
	case err != nil:
		return there, false, err
	case r.Code == http.StatusTooManyRequests, r.Code/100 == 5:
		return there, false, &CallError{Call: r.Request, Why: fmt.Sprintf("answered %d", r.Raw)}
	case !r.OK():
		return there, false, nil
	}
	return r.Workspaces[0], true, nil
}

// feed notes what is new in the events feed, by workspace, in the order in which it happened. A target without one is read
// by its list alone.
func (w *world) feed(ctx context.Context, since time.Time) error {
	if w.known.none || !w.session.client.spec.Has(dialect.Events) {
		return nil
	}
	r, when, err := w.session.feeds.read(ctx, since, func(ctx context.Context) (dialect.Answer, error) {
		return w.session.client.operate(ctx, dialect.Events, "")
	})
	asked := w.at(when)
	var odd *CallError
	switch {
	case errors.As(err, &odd) && odd.Err == nil:
		return err
	case err != nil:
		return w.unfed(err)
	case r.Code/100 == 5, r.Code == http.StatusTooManyRequests:
		return w.unfed(&CallError{Call: r.Request, Why: fmt.Sprintf("answered %d", r.Raw)})
	case !r.OK():
		w.known.none = true
		return nil
	case r.Entries == nil:
		w.session.unreadable(r.Hint)
		w.known.none = true
		return nil
	}
	w.known.fed = true
	entries := slices.Clone(r.Entries) // others read the same answer
	if newestFirst(entries) {
		slices.Reverse(entries)
	}
	for _, one := range entries {
		e := feedEntry{Entry: one}
		if !w.known.seen[e.key()] {
			w.known.seen[e.key()] = true
			e.since = w.known.asked
			w.known.pending[e.Workspace] = append(w.known.pending[e.Workspace], e)
		}
	}
	w.known.asked = asked
	return nil
}

// unfed is told that the feed could not be read. What the list shows by itself cannot be put in order with what the feed is going
// to say, so the look is to be made again, unless there has never been a feed that could be read.
func (w *world) unfed(err error) error {
	if !w.known.fed {
		w.known.unfed++
		w.known.none = w.known.unfed >= feedTries
	}
	if w.known.none {
		return nil
	}
	return err
}

// feedTries is how often the feed is tried before it is taken for one that there is not.
const feedTries = 3

// newestFirst reports whether the feed goes back in time, as the contract has it. What happened in which order, its order says,
// and not its times: those of one moment have no other, and a time is when a request began, which may have had to wait for
// one that began later.
func newestFirst(entries []dialect.Entry) bool {
	forth := 0
	for i := 1; i < len(entries); i++ {
		forth += entries[i].At.Compare(entries[i-1].At)
	}
	return forth <= 0
}

// write tells what a look has shown of a workspace: a row that was read between then and now.
func (w *world) write(number int, asked history.Time, there shown, ok bool) {
	if !ok {
		return
	}
	e := history.Event{Kind: history.Reading, WS: number, Inc: there.Incarnation, Cause: there.Cause, Sent: asked, To: there.Status}
	w.mu.Lock()
	defer w.mu.Unlock()
	if number > 0 {
		m := w.members[number-1]
		if m.shows != there.Status && m.shows != lifecycle.None && e.To != lifecycle.Online && e.To != lifecycle.Degraded {
			m.changed++
		}
		m.shows = there.Status
	}
	w.addLocked(e)
}

// tell writes down what the feed says of a workspace, which is hearsay: what came of it, rows show.
func (w *world) tell(number int, fresh []feedEntry) {
	for _, e := range fresh {
		to, cause, known := e.status(w.session.client.spec.Words)
		switch {
		case !known:
			w.session.unknownWord(e.Type)
		case to != lifecycle.None:
			w.add(history.Event{Kind: history.Reading, WS: number, Call: history.Feed, To: to, Cause: cause, Sent: max(e.since, 1)})
		}
	}
}

// readTwins tells of second rows.
func (m *member) readTwins(listed map[string]shown) {
	w := m.world
	w.mu.Lock()
	twins := slices.Clone(m.twins)
	w.mu.Unlock()
	for _, id := range twins {
		if there, ok := listed[id]; ok {
			e := history.Event{Kind: history.Reading, WS: -m.number, Inc: cmp.Or(there.Incarnation, 1), To: there.Status}
			w.add(e)
		}
	}
}
