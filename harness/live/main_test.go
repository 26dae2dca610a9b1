package live_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/pgserver"
)

// database is where all tests of this package keep their rows. Without one they fail: a live world that was not tried on a
// real Postgres was not tried.
var database *live.Postgres

// full has the tests that take long do all that they can: it is what a nightly run sets.
var full = os.Getenv("BOOTRACE_LIVE_FULL") != ""

// few returns the first number where everything is asked for, and the second elsewhere.
func few(everything, some int) int {
	if full {
		return everything
	}
	return some
}

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == live.CommandController || os.Args[1] == live.CommandAgent) {
		// This process is a part of a run of one of the tests.
		if err := live.Main(context.Background(), os.Args[1], os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(test(m))
}

func test(m *testing.M) int {
	// What tests and their parts leave is looked for here. The path is short, since there are sockets below it, and others
	// may pass through, since Postgres runs as another user where this is root.
	if os.Getenv(victim) == "" { // which has its parent's, and is killed
		home, err := os.MkdirTemp("/tmp", "brl-")
		if err == nil {
			err = os.Chmod(home, 0o755)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(home)
		os.Setenv("TMPDIR", home)
	}
	var err error
	if database, err = live.OpenPostgres(context.Background(), pgserver.Options{URL: os.Getenv("BOOTRACE_TEST_DATABASE_URL")}); err != nil {
		fmt.Fprintln(os.Stderr, "no Postgres to test on:", err)
		return 1
	}
	defer func() {
		if err := database.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}()
	ignore := goleak.IgnoreCurrent() // the server's own
	code := m.Run()
	closeContainers()
	if err := goleak.Find(ignore); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
