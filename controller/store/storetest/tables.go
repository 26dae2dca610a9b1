package storetest

import (
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

var tableTests = []subtest{
	{"an edge that the table lacks moves nothing", tablesWithout},
	{"an edge that the table adds moves", tablesWith},
	{"an edge that the table turns leads where it says", tablesTurned},
	{"an edge back to its own status is a transition, and changes no row's status", tablesLoop},
}

// under is a fixture for another table, with a store of its own.
func (f *fixture) under(table *lifecycle.Table) *fixture {
	f.Helper()
	return newFixture(f.T, f.open, table)
}

// tablesWithout takes away each edge in turn.
func tablesWithout(f *fixture) {
	for _, edge := range f.table.Edges() {
		g := f.under(f.table.Without(edge.Event, edge.From))
		if edge.From == lifecycle.None {
			if _, err := g.Create(g.ctx, g.blank(), edge.Event); err == nil {
				g.Errorf("%s created a workspace by a table that lacks it", edge.Event)
			}
			continue
		}
		if _, ok := pathTo(g.table, lifecycle.Create, edge.From); !ok {
			continue
		}
		w := g.reach(edge.From, lived)
		g.wantChange(w, g.change(w.ID, edge.Event))
		if edge.From == lifecycle.Removed {
			continue
		}
		g.wantBeat(g.get(w.ID), g.beat(w, edge.Event))
		if edge.Event == lifecycle.Register {
			g.wantRegister(g.get(w.ID), g.registration(g.get(w.ID)), g.get(w.ID).Token.IsZero())
		}
		if edge.Event == lifecycle.ProvisionTimeout || edge.Event == lifecycle.Silence {
			fresh := g.under(g.table)
			fresh.expireAllBoots()
			fresh.expireAllSilent()
		}
	}
}

// tablesWith adds every edge that is missing, but for those out of none.
func tablesWith(f *fixture) {
	table := f.table
	for _, event := range lifecycle.Events() {
		for i, from := range lifecycle.Statuses() {
			if _, ok := table.Next(event, from); !ok {
				all := lifecycle.Statuses()
				table = table.With(lifecycle.Edge{Event: event, From: from, To: all[(i+int(event))%len(all)]})
			}
		}
	}
	f.under(table).everything()
}

// tablesTurned turns every edge to the next status.
func tablesTurned(f *fixture) {
	table := f.table
	for _, e := range f.table.Edges() {
		if e.From == lifecycle.None {
			continue
		}
		all := lifecycle.Statuses()
		e.To = all[int(e.To)%len(all)] // statuses count from 1
		table = table.With(e)
	}
	f.under(table).everything()
}

// everything holds the store to its table in all that derives from it.
func (f *fixture) everything() {
	f.Helper()
	f.applyAll()
	f.beatAll()
	f.registerAll()
	fresh := f.under(f.table)
	fresh.expireAllBoots()
	fresh.expireAllSilent()
}

func tablesLoop(f *fixture) {
	g := f.under(f.table.With(lifecycle.Edge{Event: lifecycle.Beat, From: lifecycle.Online, To: lifecycle.Online}))
	w := g.reach(lifecycle.Online)
	seen := g.seen.all()
	out, err := g.Heartbeat(g.ctx, g.beat(w, lifecycle.Beat))
	g.ok(err)
	g.same("outcome", out, store.Outcome{
		Moved: true, Status: lifecycle.Online, Incarnation: 1,
		Transition: store.Transition{
			Seq: out.Transition.Seq, WorkspaceID: w.ID, Incarnation: 1, Event: lifecycle.Beat,
			From: lifecycle.Online, To: lifecycle.Online, At: g.now,
		},
	})
	g.same("updated at", g.get(w.ID).UpdatedAt, g.now)
	g.same("observed", g.seen.all(), seen)
}
