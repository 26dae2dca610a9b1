package postgres_test

import (
	"testing"

	"github.com/bootrace/bootrace/controller/store/storetest"
)

func TestConformance(t *testing.T) { storetest.Run(t, open) }
