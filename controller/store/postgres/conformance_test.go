package postgres_test

import (
	"testing"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/store/storetest"
)

func TestConformance(t *testing.T) { storetest.Run(t, open) }

// What one store does, the other does, down to the values returned.
func TestModel(t *testing.T) {
	storetest.RunModel(t, func(_ *testing.T, table *lifecycle.Table, observe func(store.RowChange)) store.Store {
		return memory.New(table, observe)
	}, open)
}
