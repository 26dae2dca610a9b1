package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var concurrencyTests = []subtest{
	{"sweeps at once move no row twice", concurrentSweeps},
	{"claims at once claim no row twice", concurrentClaims},
	{"changes of one incarnation at once: one moves", concurrentChanges},
	{"a remove beside heartbeats ends removed", concurrentRemove},
	{"a childless remove beside a create: one of the two", concurrentChildless},
	{"registers without a token at once: the stored one is one that was minted last", concurrentRegisters},
	{"all kinds of calls at once keep log, rows and observer together", concurrentMix},
}

const workers = 8

// atOnce runs the function in several goroutines that start together.
func atOnce(n int, f func(worker int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		ready.Add(1)
		done.Add(1)
		go func() {
			defer done.Done()
			ready.Done()
			<-start
			f(i)
		}()
	}
	ready.Wait()
	close(start)
	done.Wait()
}

// checkMoves is checkLog for a test whose calls were concurrent: log and observer must hold the same moves of each
// workspace, though the observer's order may differ from the log's.
func (f *fixture) checkMoves() {
	f.Helper()
	f.loose = true
	logged, seen := map[store.RowChange]int{}, map[store.RowChange]int{}
	last := map[uuid.UUID]store.Transition{}
	for _, t := range f.history() {
		before := last[t.WorkspaceID]
		if t.From != before.To {
			f.Errorf("entry %d leaves %q, but the one before of that workspace led to %q", t.Seq, t.From, before.To)
		}
		last[t.WorkspaceID] = t
		logged[store.RowChange{WorkspaceID: t.WorkspaceID, Incarnation: t.Incarnation, From: t.From, To: t.To}]++
	}
	for _, c := range f.seen.all() {
		seen[c]++
	}
	f.same("observed moves, next to the log,", seen, logged)
	for id, t := range last {
		if w := f.get(id); w.Status != t.To || w.Incarnation != t.Incarnation {
			f.Errorf("workspace %s is %s in incarnation %d; its log ends with %s in %d", id, w.Status, w.Incarnation, t.To, t.Incarnation)
		}
	}
}

func concurrentSweeps(f *fixture) {
	const rows = 60
	now := epoch.Add(24 * time.Hour)
	for range rows {
		f.create()
	}
	for range rows {
		w := f.reach(lifecycle.Online)
		f.ok(errOf(f.Heartbeat(f.ctx, f.beat(w, lifecycle.Beat))))
	}
	var mu sync.Mutex
	count := map[uuid.UUID]int{}
	note := func(moved []store.Transition, err error) int {
		if err != nil {
			f.Errorf("sweep: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, t := range moved {
			count[t.WorkspaceID]++
		}
		return len(moved)
	}
	atOnce(workers, func(worker int) {
		// Others may hold rows while this one looks, so finding few does not mean that few are left.
		for range rows {
			if worker%2 == 0 {
				note(f.ExpireBoots(f.ctx, now, "late", 3))
			} else {
				note(f.ExpireSilent(f.ctx, store.Silence{Now: now, TTL: ttl, ExternalTTL: extTTL, Limit: 3}, "silent"))
			}
		}
	})
	note(f.ExpireBoots(f.ctx, now, "late", 1000))
	note(f.ExpireSilent(f.ctx, store.Silence{Now: now, TTL: ttl, ExternalTTL: extTTL, Limit: 1000}, "silent"))
	if len(count) != 2*rows {
		f.Errorf("%d rows were moved, want %d", len(count), 2*rows)
	}
	for id, n := range count {
		if n != 1 {
			f.Errorf("workspace %s was moved %d times", id, n)
		}
	}
	f.checkMoves()
}

func concurrentClaims(f *fixture) {
	const rows = 60
	for range rows {
		f.create()
	}
	now := f.tickOn()
	var mu sync.Mutex
	count := map[uuid.UUID]int{}
	claim := func(limit int) {
		found, err := f.ClaimLaunches(f.ctx, now, now.Add(time.Minute), limit)
		if err != nil {
			f.Errorf("claim: %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, w := range found.Claimed {
			count[w.ID]++
			if w.LaunchAttempts != 1 {
				f.Errorf("a first claim counted %d attempts", w.LaunchAttempts)
			}
		}
	}
	atOnce(workers, func(int) {
		for range rows / 4 {
			claim(4)
		}
	})
	claim(1000)
	if len(count) != rows {
		f.Errorf("%d rows were claimed, want %d", len(count), rows)
	}
	for id, n := range count {
		if n != 1 {
			f.Errorf("workspace %s was claimed %d times", id, n)
		}
	}
}

func concurrentChanges(f *fixture) {
	for range 20 {
		w := f.create()
		var mu sync.Mutex
		moved := 0
		atOnce(workers, func(int) {
			c := store.Change{ID: w.ID, Event: lifecycle.Restart, Incarnation: 1, Now: epoch, Boot: &store.Boot{Deadline: epoch}}
			out, err := f.Apply(f.ctx, c)
			if err != nil {
				f.Errorf("restart: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if out.Moved {
				moved++
			}
			if out.Incarnation != 2 {
				f.Errorf("a restart says that the incarnation is %d", out.Incarnation)
			}
		})
		if moved != 1 {
			f.Errorf("%d of %d restarts of one incarnation moved", moved, workers)
		}
	}
	f.checkMoves()
}

func concurrentRemove(f *fixture) {
	for range 30 {
		w := f.reach(lifecycle.Degraded, func(w *store.Workspace) { w.Token = token("t") })
		atOnce(workers, func(worker int) {
			if worker == 0 {
				out, err := f.Apply(f.ctx, store.Change{ID: w.ID, Event: lifecycle.Remove, Now: epoch})
				if err != nil || !out.Moved {
					f.Errorf("remove = %+v, %v", out, err)
				}
				return
			}
			event := []lifecycle.Event{lifecycle.Beat, lifecycle.BeatSick}[worker%2]
			for range 4 {
				_, err := f.Heartbeat(f.ctx, store.Beat{ID: w.ID, Token: token("t"), Event: event, Now: epoch})
				if err != nil && !errors.Is(err, store.ErrRemoved) {
					f.Errorf("heartbeat: %v", err)
				}
				_, err = f.Register(f.ctx, store.Registration{ID: w.ID, NewToken: token("x"), Now: epoch})
				if err != nil && !errors.Is(err, store.ErrRemoved) && !errors.Is(err, store.ErrUnauthorized) {
					f.Errorf("register: %v", err)
				}
			}
		})
		got := f.get(w.ID)
		if got.Status != lifecycle.Removed || !got.Token.IsZero() {
			f.Errorf("the workspace is %s, with a token: %v", got.Status, !got.Token.IsZero())
		}
		log := f.history(w.ID)
		if last := log[len(log)-1]; last.To != lifecycle.Removed {
			f.Errorf("the log ends with %s", last.Event)
		}
	}
	f.checkMoves()
}

func concurrentChildless(f *fixture) {
	both, neither := 0, 0
	const rounds = 40
	for range rounds {
		parent := f.create()
		children := make([]store.Workspace, workers-2)
		for i := range children {
			children[i] = f.blank()
			children[i].ParentID = uuid.NullUUID{UUID: parent.ID, Valid: true}
		}
		var mu sync.Mutex
		removed, created := 0, 0
		atOnce(workers, func(worker int) {
			if worker < 2 {
				out, err := f.Apply(f.ctx, store.Change{ID: parent.ID, Event: lifecycle.Remove, Childless: true, Now: epoch})
				if err != nil && !errors.Is(err, store.ErrHasChildren) {
					f.Errorf("remove: %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if out.Moved {
					removed++
				}
				return
			}
			_, err := f.Create(f.ctx, children[worker-2], lifecycle.Create)
			if err != nil && !errors.Is(err, store.ErrParent) {
				f.Errorf("create: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				created++
			}
		})
		if removed > 0 && created > 0 {
			both++
		}
		if removed == 0 && created == 0 {
			neither++
		}
		if removed > 1 {
			f.Errorf("%d removes moved one workspace", removed)
		}
		kin, err := f.Children(f.ctx, parent.ID)
		f.ok(err)
		f.same("number of children", len(kin), created)
	}
	if both > 0 || neither > 0 {
		f.Errorf("of %d rounds, %d removed the parent and created a child, %d did neither", rounds, both, neither)
	}
	f.checkMoves()
}

func concurrentRegisters(f *fixture) {
	for range 10 {
		w := f.create()
		atOnce(workers, func(worker int) {
			r := store.Registration{ID: w.ID, NewToken: token(string(rune('a' + worker))), Now: epoch}
			if out, err := f.Register(f.ctx, r); err != nil || !out.Minted {
				f.Errorf("register = %+v, %v", out, err)
			}
		})
		minted := 0
		stored := f.get(w.ID).Token
		for worker := range workers {
			if stored.Matches(token(string(rune('a' + worker)))) {
				minted++
			}
		}
		f.same("minted tokens that are stored", minted, 1)
		f.same("moves", len(f.history(w.ID)), 2)
	}
	f.checkMoves()
}

// concurrentMix makes all kinds of calls on a few rows. What comes of each is not known; that they leave log, rows and
// observer together, and none fails, is.
func concurrentMix(f *fixture) {
	const rows, rounds = 4, 40
	ids := make([]uuid.UUID, rows)
	for i := range ids {
		ids[i] = f.create().ID
	}
	events := lifecycle.Events()
	check := func(what string, err error) {
		if err != nil && !errors.Is(err, store.ErrUnauthorized) && !errors.Is(err, store.ErrRemoved) && !errors.Is(err, store.ErrHasChildren) {
			f.Errorf("%s: %v", what, err)
		}
	}
	atOnce(workers, func(worker int) {
		for i := range rounds {
			n := worker*rounds + i
			id := ids[(n*7+i)%rows]
			now := epoch.Add(time.Duration(i) * time.Minute)
			event := events[n*11%len(events)]
			if event == lifecycle.Remove && i < rounds-5 {
				event = lifecycle.Restart
			}
			switch n % 6 {
			case 0:
				check("sweep", errOf(f.ExpireBoots(f.ctx, now.Add(budget), "late", 2)))
			case 1:
				check("sweep", errOf(f.ExpireSilent(f.ctx, store.Silence{Now: now.Add(ttl), TTL: ttl, ExternalTTL: ttl, Limit: 2}, "silent")))
			case 2:
				check("claim", errOf(f.ClaimLaunches(f.ctx, now, now, 3)))
				check("register", errOf(f.Register(f.ctx, store.Registration{ID: id, NewToken: token("t"), Now: now})))
			case 3:
				beat := []lifecycle.Event{lifecycle.Beat, lifecycle.BeatRough, lifecycle.BeatSick}[i%3]
				check("heartbeat", errOf(f.Heartbeat(f.ctx, store.Beat{ID: id, Token: token("t"), Event: beat, Now: now})))
			default:
				c := store.Change{ID: id, Event: event, Now: now, Childless: n%4 == 0, Boot: &store.Boot{Deadline: now}}
				check("apply "+event.String(), errOf(f.Apply(f.ctx, c)))
			}
		}
	})
	f.checkMoves()
}
