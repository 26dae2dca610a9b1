package storetest

import (
	"fmt"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var tokenTests = []subtest{
	{"what is presented, against what is stored", tokenMatrix},
	{"a lost reply is minted again, until the token was used", tokenLostReply},
	{"a beat or a register confirms, a card does not", tokenConfirms},
	{"a new incarnation revokes the old token", tokenRestart},
	{"a token that came with the boot is never minted over", tokenHandedOver},
}

// tokenMatrix tries every token that an agent may present against every one that may be stored, in every status that an
// agent may speak from.
func tokenMatrix(f *fixture) {
	stored := []struct {
		name      string
		hash      store.TokenHash
		confirmed bool
	}{
		{"none", store.TokenHash{}, false},
		{"unconfirmed", token("t"), false},
		{"confirmed", token("t"), true},
	}
	almost := token("t")
	almost[31] ^= 1
	first := token("t")
	first[0] ^= 0x80
	presented := map[string]store.TokenHash{
		"none": {}, "right": token("t"), "wrong": token("x"), "right but for the last bit": almost, "right but for the first": first,
	}
	for _, status := range []lifecycle.Status{lifecycle.Provisioning, lifecycle.Online, lifecycle.Paused} {
		for _, s := range stored {
			for name, h := range presented {
				another := func() store.Workspace {
					return f.reach(status, func(w *store.Workspace) { w.Token, w.TokenConfirmed = s.hash, s.confirmed })
				}
				what := fmt.Sprintf("%s workspace, stored %s, presented %s", status, s.name, name)
				right := h == s.hash
				w := another()
				b := f.beat(w, lifecycle.Beat)
				b.Token = h
				if right {
					f.wantBeat(w, b)
				} else {
					f.unmoved(w, what, func() {
						out, err := f.Heartbeat(f.ctx, b)
						f.refused(what+": heartbeat", out, err, store.ErrUnauthorized)
					})
				}

				w = another()
				r := f.registration(w)
				r.Token = h
				mints := h.IsZero() && !s.confirmed
				if right || mints {
					f.wantRegister(w, r, mints)
				} else {
					f.unmoved(w, what, func() {
						out, err := f.Register(f.ctx, r)
						f.refused(what+": register", out, err, store.ErrUnauthorized)
					})
				}

				w = another()
				if right {
					f.ok(f.UpdateCard(f.ctx, w.ID, h, []byte(`{}`)))
				} else {
					f.unmoved(w, what, func() {
						f.refused(what+": update card", store.Outcome{}, f.UpdateCard(f.ctx, w.ID, h, []byte(`{}`)), store.ErrUnauthorized)
					})
				}
				if f.Failed() {
					return
				}
			}
		}
	}
}

// as returns a registration that presents one token and offers another.
func (f *fixture) as(w store.Workspace, presented, offered store.TokenHash) store.Registration {
	r := f.registration(w)
	r.Token, r.NewToken = presented, offered
	return r
}

func tokenLostReply(f *fixture) {
	none, a, b, c := store.TokenHash{}, token("a"), token("b"), token("c")
	w := f.create()
	f.wantRegister(w, f.as(w, none, a), true)
	// The reply was lost; the agent knows of no token and asks again. The one that it never got is void.
	f.wantRegister(f.get(w.ID), f.as(w, none, b), true)
	f.unmoved(f.get(w.ID), "void", func() {
		out, err := f.Register(f.ctx, f.as(w, a, c))
		f.refused("register with a void token", out, err, store.ErrUnauthorized)
	})
	// A beat without a token is no way around it.
	f.unmoved(f.get(w.ID), "no token", func() {
		bare := f.beat(w, lifecycle.Beat)
		bare.Token = none
		out, err := f.Heartbeat(f.ctx, bare)
		f.refused("heartbeat without a token", out, err, store.ErrUnauthorized)
	})
	beat := f.beat(w, lifecycle.Beat)
	beat.Token = b
	f.wantBeat(f.get(w.ID), beat)
	// Now it has been used, so its holder has it.
	f.unmoved(f.get(w.ID), "confirmed", func() {
		out, err := f.Register(f.ctx, f.as(w, none, c))
		f.refused("register without a token", out, err, store.ErrUnauthorized)
	})
	f.wantRegister(f.get(w.ID), f.as(w, b, c), false)
}

func tokenConfirms(f *fixture) {
	for _, use := range []struct {
		name     string
		confirms bool
		call     func(w store.Workspace) error
	}{
		{"beat", true, func(w store.Workspace) error { return errOf(f.Heartbeat(f.ctx, f.beat(w, lifecycle.Beat))) }},
		{"register", true, func(w store.Workspace) error { return errOf(f.Register(f.ctx, f.registration(w))) }},
		{"card", false, func(w store.Workspace) error { return f.UpdateCard(f.ctx, w.ID, w.Token, nil) }},
	} {
		w := f.create(func(w *store.Workspace) { w.Token = token("t") })
		f.ok(use.call(w))
		got := f.get(w.ID)
		f.same("token after "+use.name, got.Token, token("t"))
		f.same("confirmed after "+use.name, got.TokenConfirmed, use.confirms)
	}
	// Where there is no token there is nothing to confirm.
	w := f.create()
	f.ok(errOf(f.Heartbeat(f.ctx, f.beat(w, lifecycle.Beat))))
	f.same("confirmed without a token", f.get(w.ID).TokenConfirmed, false)
	f.wantRegister(f.get(w.ID), f.registration(w), true)
}

func tokenRestart(f *fixture) {
	for _, e := range f.begins() {
		f.bootToken = token("old")
		w := f.reach(e.From, func(w *store.Workspace) { w.Token = token("old") })
		f.bootToken = store.TokenHash{}
		f.apply(w.ID, e.Event)
		// The old machine still beats, and registers, with its token.
		f.unmoved(f.get(w.ID), "old token", func() {
			old := w
			old.Token = token("old")
			f.wantRefused(old, store.ErrUnauthorized)
		})
		w = f.get(w.ID)
		f.wantRegister(w, f.as(w, store.TokenHash{}, token("new")), true)
		f.unmoved(f.get(w.ID), "old token", func() {
			old := w
			old.Token = token("old")
			f.wantRefused(old, store.ErrUnauthorized)
		})
	}
}

func tokenHandedOver(f *fixture) {
	for _, e := range f.begins() {
		w := f.reach(e.From)
		c := f.change(w.ID, e.Event)
		c.Boot.Token = token("given")
		f.ok(errOf(f.Apply(f.ctx, c)))
		f.unmoved(f.get(w.ID), "no token", func() {
			out, err := f.Register(f.ctx, f.as(w, store.TokenHash{}, token("other")))
			f.refused("register without the token given", out, err, store.ErrUnauthorized)
		})
		f.wantRegister(f.get(w.ID), f.as(w, token("given"), token("other")), false)
	}
}

func errOf[T any](_ T, err error) error { return err }
