package libpq_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain has property tests try fewer plans than rapid's hundred, where the command line does not say how many.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
