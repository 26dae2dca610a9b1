package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(_ *testing.T, table *lifecycle.Table, observe func(store.RowChange)) store.Store {
	return memory.New(table, observe)
}

func TestConformance(t *testing.T) { storetest.Run(t, open) }

// The model's draws and comparisons, on two stores that must not differ.
func TestModel(t *testing.T) { storetest.RunModel(t, open, open) }
