package storetest

import (
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var valueTests = []subtest{
	{"times are cut to microseconds and are UTC", valuesTimes},
	{"texts are cut to what a database keeps", valuesTexts},
	{"a card comes back byte for byte", valuesCard},
	{"what is returned and what was given are copies", valuesCopies},
}

// allTimes returns every time in the workspace by its field's name.
func allTimes(w store.Workspace) map[string]time.Time {
	times := map[string]time.Time{}
	for v, i := reflect.ValueOf(w), 0; i < v.NumField(); i++ {
		if t, ok := v.Field(i).Interface().(time.Time); ok {
			times[v.Type().Field(i).Name] = t
		}
	}
	return times
}

func valuesTimes(f *fixture) {
	zone := time.FixedZone("elsewhere", 5*3600+1800)
	// fine is a time that no store keeps as it is, and kept is what it keeps of it.
	n := 0
	next := func() (fine, kept time.Time) {
		n++
		kept = epoch.Add(time.Duration(n) * time.Hour).Add(7 * tick)
		return kept.Add(999 * time.Nanosecond).In(zone), kept
	}
	check := func(what string, got, want time.Time) {
		f.Helper()
		if !got.Equal(want) || got.Location() != time.UTC {
			f.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	w := f.blank()
	want := map[string]time.Time{}
	w.CreatedAt, want["CreatedAt"] = next()
	w.BootStartedAt, want["BootStartedAt"] = next()
	w.BootDeadline, want["BootDeadline"] = next()
	w.LastSeenAt, want["LastSeenAt"] = next()
	w.LaunchAfter, want["LaunchAfter"] = next()
	want["UpdatedAt"] = want["CreatedAt"]
	tr, err := f.Create(f.ctx, w, lifecycle.Create)
	f.ok(err)
	check("transition of create", tr.At, want["CreatedAt"])
	row := func(what string) {
		f.Helper()
		for name, t := range allTimes(f.get(w.ID)) {
			check(name+" after "+what, t, want[name])
		}
		check("log after "+what, f.history(w.ID)[len(f.history(w.ID))-1].At, want["UpdatedAt"])
	}
	row("create")

	now, _ := next()
	until, keptUntil := next()
	found, err := f.ClaimLaunches(f.ctx, now, until, 1)
	f.ok(err)
	want["LaunchAfter"] = keptUntil
	check("claimed", found.Claimed[0].LaunchAfter, keptUntil)
	row("claim")

	until, want["LaunchAfter"] = next()
	f.ok(f.DeferLaunch(f.ctx, w.ID, 1, "x", until))
	row("defer")

	now, kept := next()
	out, err := f.Register(f.ctx, store.Registration{ID: w.ID, Now: now})
	f.ok(err)
	check("transition of register", out.Transition.At, kept)
	want["LastSeenAt"], want["UpdatedAt"] = kept, kept
	row("register")

	now, kept = next()
	out, err = f.Heartbeat(f.ctx, store.Beat{ID: w.ID, Event: lifecycle.BeatSick, Now: now})
	f.ok(err)
	check("transition of heartbeat", out.Transition.At, kept)
	want["LastSeenAt"], want["UpdatedAt"] = kept, kept
	row("heartbeat")

	now, kept = next()
	gone, err := f.ExpireSilent(f.ctx, store.Silence{Now: now, TTL: ttl, ExternalTTL: ttl, Limit: 1}, "")
	f.ok(err)
	check("transition of silence", gone[0].At, kept)
	want["UpdatedAt"] = kept
	row("silence")

	now, kept = next()
	deadline, keptDeadline := next()
	out, err = f.Apply(f.ctx, store.Change{ID: w.ID, Event: lifecycle.Restart, Now: now, Boot: &store.Boot{Deadline: deadline}})
	f.ok(err)
	check("transition of restart", out.Transition.At, kept)
	want["UpdatedAt"], want["BootStartedAt"], want["BootDeadline"] = kept, kept, keptDeadline
	want["LastSeenAt"], want["LaunchAfter"] = time.Time{}, time.Time{}
	row("restart")

	// The deadline is not yet over at a moment that only finer parts tell from it, and is at its own.
	boots, err := f.ExpireBoots(f.ctx, keptDeadline.Add(-1), "", 1)
	f.ok(err)
	f.same("before the deadline", boots, []store.Transition(nil))
	boots, err = f.ExpireBoots(f.ctx, keptDeadline.In(zone).Add(999), "", 1)
	f.ok(err)
	check("transition of expiry", boots[0].At, keptDeadline)
	want["UpdatedAt"] = keptDeadline
	row("expiry")
}

func valuesTexts(f *fixture) {
	const dirty, clean = "a\x00b\xff\xfe\u2603", "a\uFFFDb\uFFFD\u2603"
	w := f.full()
	v := reflect.ValueOf(&w).Elem()
	var texts []string
	for i := range v.NumField() {
		if v.Field(i).Kind() == reflect.String {
			v.Field(i).SetString(dirty)
			texts = append(texts, v.Type().Field(i).Name)
		}
	}
	w.MachineID = ""
	f.ok(errOf(f.Create(f.ctx, w, lifecycle.Create)))
	got := reflect.ValueOf(f.get(w.ID))
	for _, name := range texts {
		if s := got.FieldByName(name).String(); s != clean && name != "MachineID" && name != "Cause" {
			f.Errorf("%s = %q, want %q", name, s, clean)
		}
	}
	f.ok(f.DeferLaunch(f.ctx, w.ID, w.Incarnation, dirty, epoch))
	f.same("launch error", f.get(w.ID).LaunchError, clean)
	f.ok(errOf(f.AttachMachine(f.ctx, w.ID, w.Incarnation, dirty)))
	f.same("machine", f.get(w.ID).MachineID, clean)
	again, err := f.AttachMachine(f.ctx, w.ID, w.Incarnation, dirty)
	f.ok(err)
	f.same("attached again", again, true)
	f.ok(f.ReleaseMachine(f.ctx, w.ID, dirty))
	f.same("machine", f.get(w.ID).MachineID, "")
	f.ok(errOf(f.Register(f.ctx, store.Registration{ID: w.ID, Token: w.Token, URL: dirty, Now: epoch})))
	f.same("url", f.get(w.ID).URL, clean)
	f.ok(errOf(f.Heartbeat(f.ctx, store.Beat{
		ID: w.ID, Token: w.Token, SampleError: dirty, CurrentTask: dirty, RuntimeState: dirty, Now: epoch,
	})))
	row := f.get(w.ID)
	f.same("beat", []string{row.SampleError, row.CurrentTask, row.RuntimeState}, []string{clean, clean, clean})

	boots := f.create()
	f.same("cause of a change", f.fail(boots, dirty), clean)
	f.same("cause", f.get(boots.ID).Cause, clean)
	f.apply(boots.ID, lifecycle.Restart)
	late, err := f.ExpireBoots(f.ctx, f.tickOn().Add(time.Hour), dirty, 10)
	f.ok(err)
	f.same("cause of a sweep", late[0].Cause, clean)
	f.same("cause in the log", f.history(boots.ID)[3].Cause, clean)
	silent, err := f.ExpireSilent(f.ctx, store.Silence{Now: f.tickOn().Add(time.Hour), Limit: 10}, dirty)
	f.ok(err)
	f.same("cause of a sweep", silent[0].Cause, clean)
}

func (f *fixture) fail(w store.Workspace, cause string) string {
	f.Helper()
	c := f.change(w.ID, lifecycle.BootstrapFailed)
	c.Cause = cause
	out, err := f.Apply(f.ctx, c)
	f.ok(err)
	return out.Transition.Cause
}

func valuesCard(f *fixture) {
	w := f.create()
	for _, card := range [][]byte{
		[]byte(`{ "b": 1,   "a": 2, "b": 3 }`), []byte(`{"a":"\u0000\u0041"}`), []byte("{\"a\": \"\xff\"}\n"),
		[]byte("null"), []byte(strings.Repeat("[", 500) + strings.Repeat("]", 500)), []byte(`"` + strings.Repeat("long", 50_000) + `"`),
		{}, nil,
	} {
		f.ok(f.UpdateCard(f.ctx, w.ID, w.Token, card))
		got := f.get(w.ID).Card
		if string(got) != string(card) || (got == nil) != (card == nil) {
			f.Errorf("card %.60q (nil: %v) came back as %.60q (nil: %v)", card, card == nil, got, got == nil)
		}
		f.ok(errOf(f.Register(f.ctx, store.Registration{ID: w.ID, Token: w.Token, Card: card, Now: f.tickOn()})))
		if got := f.get(w.ID).Card; string(got) != string(card) || (got == nil) != (card == nil) {
			f.Errorf("registered card %.60q came back as %.60q", card, got)
		}
	}
}

func valuesCopies(f *fixture) {
	card := []byte(`{"card": 1}`)
	const want, scribble = `{"card": 1}`, "XXXXXXXXXXX"
	parent := f.create()
	var w store.Workspace
	check := func(what string, returned ...store.Workspace) {
		f.Helper()
		copy(card, scribble)
		for _, r := range returned {
			copy(r.Card, scribble)
		}
		f.same("card after a scribble on what "+what, string(f.get(w.ID).Card), want)
		copy(card, want)
	}
	w = f.create(func(w *store.Workspace) {
		w.Card, w.MachineID, w.MachineIncarnation = card, "i-1", 9
		w.ParentID = uuid.NullUUID{UUID: parent.ID, Valid: true}
	})
	check("Create was given")
	f.ok(f.UpdateCard(f.ctx, w.ID, w.Token, card))
	check("UpdateCard was given")
	f.ok(errOf(f.Register(f.ctx, store.Registration{ID: w.ID, Card: card, Now: f.tickOn()})))
	check("Register was given")
	check("Get returned", f.get(w.ID))
	for what, list := range map[string]func() ([]store.Workspace, error){
		"List":     func() ([]store.Workspace, error) { return f.List(f.ctx) },
		"Lookup":   func() ([]store.Workspace, error) { return f.Lookup(f.ctx, []uuid.UUID{w.ID}) },
		"Children": func() ([]store.Workspace, error) { return f.Children(f.ctx, parent.ID) },
		"ClaimLaunches": func() ([]store.Workspace, error) {
			unwanted, err := f.ClaimLaunches(f.ctx, f.now, f.now, 10)
			f.ok(err)
			f.ok(f.ReleaseMachine(f.ctx, w.ID, "i-1"))
			f.apply(w.ID, lifecycle.Restart)
			claimed, err := f.ClaimLaunches(f.ctx, f.now, f.now, 10)
			if len(unwanted.Unwanted) != 1 || len(claimed.Claimed) == 0 {
				f.Errorf("unwanted %v, claimed %v", unwanted, claimed)
			}
			return append(unwanted.Unwanted, claimed.Claimed...), err
		},
	} {
		got, err := list()
		f.ok(err)
		if len(got) == 0 {
			f.Errorf("%s returned nothing", what)
		}
		check(what+" returned", got...)
	}
	log := f.history(w.ID)
	log[0].Cause = "scribble"
	f.same("cause", f.history(w.ID)[0].Cause, "")
}
