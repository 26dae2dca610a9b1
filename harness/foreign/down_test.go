package foreign_test

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/history"
)

// front is a target that can be down: connections to it are closed at once then.
func front(t *testing.T) (address string, down *atomic.Bool) {
	t.Helper()
	to, err := url.Parse(serve(t, "", nil))
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down = &atomic.Bool{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	transport := &http.Transport{}
	proxy.Transport = transport
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})}
	go server.Serve(l)
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	return "http://" + l.Addr().String(), down
}

// A target that goes down for good in the middle of a run is the environment's fault, and is named with the call that
// failed; one that is back soon is judged like any other.
func TestTargetThatGoesDown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		patience time.Duration
		back     bool
	}{
		{"for good", 2 * time.Second, false}, {"for a moment", 20 * time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, down := front(t)
			session, err := foreign.Open(t.Context(), target(address))
			if err != nil {
				t.Fatal(err)
			}
			defer session.Close()
			session.SetPatience(c.patience)
			p, why, err := session.Target().Fit(own("down", group(2, 3*minute), nil), 7)
			if err != nil || p == nil {
				t.Fatal(why, err)
			}
			time.AfterFunc(1500*time.Millisecond, func() { down.Store(true) }) // short: somewhere in the middle of the run
			if c.back {
				time.AfterFunc(1900*time.Millisecond, func() { down.Store(false) }) // short: and back soon
			}
			began := time.Now()
			h, err := session.Play(t.Context(), p)
			down.Store(false)
			if c.back {
				if err != nil {
					t.Fatal(err)
				}
				held(t, p, h)
				return
			}
			if err == nil || time.Since(began) > 1500*time.Millisecond+c.patience+10*time.Second {
				t.Fatalf("after %s it said %v", time.Since(began), err)
			}
			for _, want := range []string{"target staging", "not shown its workspaces for 2s", "GET /workspaces"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
			for _, e := range h.Events {
				if e.Kind == history.End {
					t.Error("the history says that it is whole")
				}
			}
		})
	}
}
