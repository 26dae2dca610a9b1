package storetest

import (
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// Open returns an empty store that moves workspaces by the table and tells the observer of every row's move. What has to
// be closed, it closes by t.Cleanup.
type Open = func(t *testing.T, table *lifecycle.Table, observe func(store.RowChange)) store.Store

// Run holds the stores that open returns to what package store promises.
func Run(t *testing.T, open Open) {
	t.Helper()
	groups := []struct {
		name  string
		tests []subtest
	}{
		{"Create", createTests},
		{"Reads", readTests},
		{"Apply", applyTests},
		{"Heartbeat", heartbeatTests},
		{"Tokens", tokenTests},
		{"Sweeps", sweepTests},
		{"Machines", machineTests},
		{"Log", logTests},
		{"Values", valueTests},
		{"Tables", tableTests},
		{"Concurrency", concurrencyTests},
		{"Unguarded", unguardedTests},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, test := range g.tests {
				t.Run(test.name, func(t *testing.T) { test.run(newFixture(t, open, lifecycle.Standard())) })
			}
		})
	}
}

// subtest is one promise.
type subtest struct {
	name string
	run  func(*fixture)
}
