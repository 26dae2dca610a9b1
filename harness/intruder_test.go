package harness_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// doorless is the reference controller with a hole in it: calls that it does not look at who makes, or a store that does otherwise.
func doorless(name string, open func(*http.Request) bool, alter func(store.Store) store.Store) sim.Target {
	return sim.Target{Name: name, Deploy: func() sim.Deployment {
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			if alter != nil {
				c.Store = alter(c.Store)
			}
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Ticks: k.Ticks(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if open != nil && open(r) {
					r = r.Clone(r.Context())
					r.Header.Set("Authorization", "Bearer "+c.AdminToken)
				}
				k.ServeHTTP(w, r)
			})}, nil
		}}
	}}
}

// trusting is a store that does not look at the tokens of some calls.
type trusting struct {
	store.Store
	heartbeat, register, card, seen bool
}

// known is the token that the workspace has.
func (s trusting) known(ctx context.Context, id uuid.UUID) store.TokenHash {
	w, err := s.Get(ctx, id)
	if err != nil {
		return store.TokenHash{}
	}
	return w.Token
}

// Heartbeat implements store.Store.
func (s trusting) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	if s.heartbeat {
		b.Token = s.known(ctx, b.ID)
	}
	out, err := s.Store.Heartbeat(ctx, b)
	if s.seen && errors.Is(err, store.ErrUnauthorized) {
		b.Token, b.Event = s.known(ctx, b.ID), lifecycle.NoEvent
		s.Store.Heartbeat(ctx, b) // written down before it was looked at
	}
	return out, err
}

// Register implements store.Store.
func (s trusting) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	if s.register {
		r.Token = s.known(ctx, r.ID)
	}
	return s.Store.Register(ctx, r)
}

// UpdateCard implements store.Store.
func (s trusting) UpdateCard(ctx context.Context, id uuid.UUID, token store.TokenHash, card json.RawMessage) error {
	if s.card {
		token = s.known(ctx, id)
	}
	return s.Store.UpdateCard(ctx, id, token, card)
}

// holes are the ways in, with what each is found by.
var holes = map[string]struct {
	target sim.Target
	want   string
}{
	"list":             {doorless("list", at("GET", "/workspaces"), nil), "keeps-out"},
	"create":           {doorless("create", at("POST", "/workspaces"), nil), "no-phantom-rows"},
	"state":            {doorless("state", below("GET", "/state"), nil), "keeps-out"},
	"delete":           {doorless("delete", below("DELETE", ""), nil), "keeps-out"},
	"restart":          {doorless("restart", below("POST", "/restart"), nil), "keeps-out"},
	"pause":            {doorless("pause", below("POST", "/pause"), nil), "keeps-out"},
	"hibernate":        {doorless("hibernate", below("POST", "/hibernate"), nil), "keeps-out"},
	"bootstrap-failed": {doorless("bootstrap-failed", onWire[len(onWire)-2].is, nil), "keeps-out"},
	"heartbeat":        {doorless("heartbeat", nil, func(s store.Store) store.Store { return trusting{Store: s, heartbeat: true} }), "keeps-out"},
	"register":         {doorless("register", nil, func(s store.Store) store.Store { return trusting{Store: s, register: true} }), "keeps-out"},
	"update-card":      {doorless("update-card", nil, func(s store.Store) store.Store { return trusting{Store: s, card: true} }), "keeps-out"},
	// It refuses the heartbeat, and remembers it.
	"last-seen": {doorless("last-seen", nil, func(s store.Store) store.Store { return trusting{Store: s, seen: true} }), "stored-as-sent"},
}

// Whoever has no right to a call gets nothing by it and changes nothing: a controller that does not look is found, by the scenario
// and by generated plans.
func TestIntruder(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Find("intruder")
	if err != nil {
		t.Fatal(err)
	}
	for name, hole := range holes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := harness.Play(context.Background(), resolve(t, s, 1), stores.Memory(), hole.target, nil).Judgement.First()
			if x == nil || x.Invariant != hole.want {
				t.Errorf("the scenario finds %+v", x)
			}
			if underRace {
				return
			}
			x = firstFound(t, hole.target, 600)
			switch {
			case x != nil && name == "last-seen": // as whatever the reads of it end in
			case x != nil && name == "heartbeat" && x.Invariant == "current-incarnation": // an old machine is an intruder, too
			case x == nil || x.Invariant != hole.want:
				t.Errorf("generated plans find %+v", x)
			}
		})
	}
}

// The intruder tries every call that is not open to anybody, with all that it may have, and is refused.
func TestIntruderTriesAll(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Find("intruder")
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]map[string]bool{}
	for seed := range seeds(10, 3) {
		o := harness.Play(context.Background(), resolve(t, s, seed), stores.Memory(), sim.Reference(nil), nil)
		for _, e := range o.History.Events {
			if e.Kind != history.Call || e.Actor != history.ActorIntruder {
				continue
			}
			if e.Code/100 != 4 {
				t.Errorf("%s with %s got %d", e.Call, e.By, e.Code)
			}
			if tried[e.Call] == nil {
				tried[e.Call] = map[string]bool{}
			}
			tried[e.Call][e.By] = true
		}
	}
	for _, c := range onWire {
		if open := c.call == "get"; len(tried[c.call]) != 3 && !open {
			t.Errorf("%s was tried with %v", c.call, tried[c.call])
		}
	}
}
