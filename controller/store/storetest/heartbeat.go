package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var heartbeatTests = []subtest{
	{"records the beat and moves by its event, in every status", func(f *fixture) { f.beatAll() }},
	{"a register records URL and card and moves, in every status", func(f *fixture) { f.registerAll() }},
	{"UpdateCard changes the card and nothing else", updateCardOnly},
	{"a proof of life that was held up does not make it look more silent", lateProof},
	{"unknown is ErrNotFound, removed is ErrRemoved, whatever the token", agentRefused},
}

// wantBeat sends the beat, whose token must be right, and holds the store to what it must do.
func (f *fixture) wantBeat(before store.Workspace, b store.Beat) {
	f.Helper()
	what := fmt.Sprintf("heartbeat %s of a %s workspace", b.Event, before.Status)
	want := before
	want.LastSeenAt, want.TokenConfirmed = store.LastSeen(before.LastSeenAt, b.Now), !before.Token.IsZero()
	want.ErrorRate, want.SampleError, want.ActiveTasks = b.ErrorRate, b.SampleError, b.ActiveTasks
	want.UptimeSeconds, want.CurrentTask, want.RuntimeState = b.UptimeSeconds, b.CurrentTask, b.RuntimeState
	f.wantProof(what, before, want, b.Event, b.Now, func() (store.Outcome, error) { return f.Heartbeat(f.ctx, b) }, false)
}

// wantRegister is wantBeat for a register.
func (f *fixture) wantRegister(before store.Workspace, r store.Registration, minted bool) {
	f.Helper()
	what := fmt.Sprintf("register of a %s workspace", before.Status)
	want := before
	want.LastSeenAt, want.URL, want.Card, want.TokenConfirmed = store.LastSeen(before.LastSeenAt, r.Now), r.URL, r.Card, true
	if minted {
		want.Token, want.TokenConfirmed = r.NewToken, false
	}
	f.wantProof(what, before, want, lifecycle.Register, r.Now, func() (store.Outcome, error) { return f.Register(f.ctx, r) }, minted)
}

// wantProof makes a call that is proof of life. The row that it leads to is given but for what a move changes.
func (f *fixture) wantProof(what string, before, want store.Workspace, event lifecycle.Event, now time.Time, call func() (store.Outcome, error), minted bool) {
	f.Helper()
	m := f.mark()
	var entries []store.Transition
	wantOut := store.Outcome{Status: before.Status, Incarnation: before.Incarnation, Minted: minted}
	if to, moves := f.table.Next(event, before.Status); moves {
		want = moved(want, to, "", now)
		wantOut.Moved, wantOut.Status = true, to
		wantOut.Transition = store.Transition{
			Seq: m.last.Seq + 1, WorkspaceID: before.ID, Incarnation: before.Incarnation,
			Event: event, From: before.Status, To: to, At: now,
		}
		entries = append(entries, wantOut.Transition)
	}
	out, err := call()
	if err != nil {
		f.Errorf("%s: %v", what, err)
		return
	}
	f.same(what+": outcome", out, wantOut)
	f.same(what+": row", f.get(before.ID), want)
	f.wantSince(m, what, entries...)
}

// beat is one that says something in every field.
func (f *fixture) beat(w store.Workspace, event lifecycle.Event) store.Beat {
	return store.Beat{
		ID: w.ID, Token: w.Token, Event: event, ErrorRate: 0.75, SampleError: "e", ActiveTasks: 7, UptimeSeconds: 8,
		CurrentTask: "c", RuntimeState: "r", Now: f.tickOn(),
	}
}

func (f *fixture) registration(w store.Workspace) store.Registration {
	return store.Registration{
		ID: w.ID, Token: w.Token, NewToken: token("minted"), URL: "http://new", Card: []byte(`{"new": 1}`), Now: f.tickOn(),
	}
}

// eachLiving makes a workspace in every status that an agent may speak from, with a token and without.
func (f *fixture) eachLiving(each func(another func() store.Workspace)) {
	f.Helper()
	for _, status := range lifecycle.Statuses() {
		if _, ok := pathTo(f.table, lifecycle.Create, status); !ok || status == lifecycle.Removed {
			continue
		}
		for _, h := range []store.TokenHash{{}, token("t")} {
			each(func() store.Workspace {
				f.bootToken = h // the way there may go through a new incarnation
				defer func() { f.bootToken = store.TokenHash{} }()
				return f.reach(status, func(w *store.Workspace) { w.Token, w.MachineID = h, "i" })
			})
		}
	}
}

func (f *fixture) beatAll() {
	f.Helper()
	f.eachLiving(func(another func() store.Workspace) {
		for _, event := range append(lifecycle.Events(), lifecycle.NoEvent, lifecycle.Event(200)) {
			w := another()
			f.wantBeat(w, f.beat(w, event))
			if w = f.get(w.ID); w.Status != lifecycle.Removed { // and again, from where the first led
				f.wantBeat(w, f.beat(w, event))
			}
			if f.Failed() {
				return
			}
		}
	})
}

func (f *fixture) registerAll() {
	f.Helper()
	f.eachLiving(func(another func() store.Workspace) {
		w := another()
		f.wantRegister(w, f.registration(w), w.Token.IsZero())
	})
}

func lateProof(f *fixture) {
	seen := epoch.Add(time.Hour)
	for _, c := range []struct {
		now, want time.Time
	}{
		{seen.Add(tick), seen.Add(tick)},
		{seen, seen},
		{seen.Add(-tick), seen},
		{seen.Add(-store.MaxStall), seen},
		{seen.Add(-store.MaxStall - tick), seen.Add(-store.MaxStall - tick)}, // the stored one's clock was ahead
		{seen.Add(-tick + 1), seen},
		{seen.Add(-store.MaxStall - 1), seen.Add(-store.MaxStall - tick)}, // as it is kept
	} {
		w := f.create(func(w *store.Workspace) { w.LastSeenAt = seen })
		b := f.beat(w, lifecycle.NoEvent)
		b.Now = c.now
		f.ok(errOf(f.Heartbeat(f.ctx, b)))
		f.same("last seen by a beat", f.get(w.ID).LastSeenAt, c.want)

		w = f.create(func(w *store.Workspace) { w.LastSeenAt = seen })
		r := f.registration(w)
		r.Now = c.now
		f.ok(errOf(f.Register(f.ctx, r)))
		f.same("last seen by a register", f.get(w.ID).LastSeenAt, c.want)
	}
}

func updateCardOnly(f *fixture) {
	f.eachLiving(func(another func() store.Workspace) {
		w := another()
		m := f.mark()
		for _, card := range []string{`{"card": 2}`, `[]`} {
			w.Card = []byte(card)
			f.ok(f.UpdateCard(f.ctx, w.ID, w.Token, w.Card))
			f.same("row", f.get(w.ID), w)
		}
		w.Card = nil
		f.ok(f.UpdateCard(f.ctx, w.ID, w.Token, nil))
		f.same("row", f.get(w.ID), w)
		f.wantSince(m, "cards")
	})
}

func agentRefused(f *fixture) {
	removed := f.reach(lifecycle.Removed, lived)
	for _, h := range []store.TokenHash{{}, token("t"), token("wrong")} {
		f.unmoved(removed, "refused", func() {
			w := removed
			w.Token = h
			f.wantRefused(w, store.ErrRemoved)
			f.wantRefused(store.Workspace{ID: idOf(999), Token: h}, store.ErrNotFound)
		})
	}
	if _, err := f.Get(f.ctx, idOf(999)); !errors.Is(err, store.ErrNotFound) {
		f.Errorf("an agent's call made a row: Get says %v", err)
	}
}

// wantRefused makes every call of an agent and wants each to be refused.
func (f *fixture) wantRefused(w store.Workspace, want error) {
	f.Helper()
	for _, event := range append(lifecycle.Events(), lifecycle.NoEvent) {
		out, err := f.Heartbeat(f.ctx, f.beat(w, event))
		f.refused("heartbeat "+event.String(), out, err, want)
	}
	out, err := f.Register(f.ctx, f.registration(w))
	f.refused("register", out, err, want)
	f.refused("update card", store.Outcome{}, f.UpdateCard(f.ctx, w.ID, w.Token, []byte(`{"evil": true}`)), want)
}

func (f *fixture) refused(what string, out store.Outcome, err, want error) {
	f.Helper()
	if !errors.Is(err, want) {
		f.Errorf("%s = %v, want %v", what, err, want)
	}
	f.same(what+": outcome", out, store.Outcome{})
}
