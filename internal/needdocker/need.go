// Package needdocker gives tests a Docker Engine, or skips them where there is none. Where BOOTRACE_REQUIRE_DOCKER is set,
// as on the machine that checks every change, a test without an Engine fails: what was not tried must not look as if it was.
//
// It must not import anything of this module but controller/cloud/docker.
package needdocker

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// Engine returns the Engine of this machine.
func Engine(t testing.TB) *docker.Engine {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	e, err := docker.Connect(ctx, "")
	switch {
	case err == nil:
		t.Cleanup(e.Close)
		return e
	case os.Getenv("BOOTRACE_REQUIRE_DOCKER") != "":
		t.Fatalf("BOOTRACE_REQUIRE_DOCKER is set, and: %v", err)
	default:
		t.Skipf("no Docker: %v", err)
	}
	return nil
}
