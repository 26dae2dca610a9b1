package redis_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain has property tests try a few plans, and the same ones each time, where the command line does not say otherwise.
func TestMain(m *testing.M) {
	for name, value := range map[string]string{"rapid.checks": "4", "rapid.seed": "1"} {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
