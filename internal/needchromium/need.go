// Package needchromium gives tests a browser, or skips them where there is none. Where BOOTRACE_REQUIRE_CHROMIUM is set, as
// on the machine that checks every change, a test without a browser fails: what was not tried must not look as if it was.
//
// It must not import anything of this module.
package needchromium

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// names are those that Chromium and its kin go by. Distributions differ.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"}

// patience is how long a browser may take to start, and to go.
const patience = 60 * time.Second

// Browser starts a browser without a window, which is gone when the test is over. Tabs are opened in the context with
// [chromedp.NewContext].
func Browser(t testing.TB) context.Context {
	t.Helper()
	path, err := find()
	switch {
	case err == nil:
	case os.Getenv("BOOTRACE_REQUIRE_CHROMIUM") != "":
		t.Fatalf("BOOTRACE_REQUIRE_CHROMIUM is set, and: %v", err)
	default:
		t.Skipf("no browser: %v", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience))
	if os.Geteuid() == 0 { // as root, Chromium does not start with its sandbox
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		wait, done := context.WithTimeout(ctx, patience)
		defer done()
		if err := chromedp.Cancel(wait); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("closing the browser: %v", err)
		}
		cancel()
		stop()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s is here, and does not start: %v", path, err)
	}
	return ctx
}

func find() (string, error) {
	var all []error
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			return path, nil
		}
		all = append(all, err)
	}
	return "", errors.Join(append(all, errors.New("apt-get install chromium installs one"))...)
}
