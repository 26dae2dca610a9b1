package llm_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/internal/await"
)

// outcomes has workspaces ask a provider for completions, each so often, in the order in which they stand in turns.
func outcomes(f *fixture, turns []string) map[string][]string {
	all := map[string][]string{}
	for _, w := range turns {
		a := f.openAI("minimax", w)
		all[w] = append(all[w], fmt.Sprint(a.status, " after ", f.waits.last()))
	}
	return all
}

// What a workspace gets depends on the seed and on how often it asked, not on what others do.
func TestDrawsAreEachWorkspacesOwn(t *testing.T) {
	t.Parallel()
	var alone, mixed []string
	for range 200 {
		alone = append(alone, "a")
		mixed = append(mixed, "b", "a", "c")
	}
	first := outcomes(newFixture(t, llm.Options{Seed: 7}), alone)["a"]
	second := outcomes(newFixture(t, llm.Options{Seed: 7}), mixed)
	if !slices.Equal(first, second["a"]) {
		t.Error("the same seed gave something else, because others asked too")
	}
	if slices.Equal(second["a"], second["b"]) {
		t.Error("two workspaces have the same draws")
	}
	if other := outcomes(newFixture(t, llm.Options{Seed: 8}), alone)["a"]; slices.Equal(first, other) {
		t.Error("another seed gave the same")
	}
}

func TestProfilesAreFollowed(t *testing.T) {
	t.Parallel()
	const draws = 4000
	for _, p := range fakeprovider.Providers() {
		f := newFixture(t, llm.Options{Seed: 1})
		status := map[int]int{}
		var took []time.Duration
		for i := range draws {
			a := f.openAI(p.Name, fmt.Sprint("w", i%10))
			status[a.status]++
			switch wait := f.waits.last(); {
			case a.status == 200:
				took = append(took, wait)
			case wait != 2*time.Second:
				t.Fatalf("%s: a refusal took %s", p.Name, wait)
			}
		}
		slices.Sort(took)
		if m := took[len(took)/2]; m < p.Preflight.Median*95/100 || m > p.Preflight.Median*105/100 {
			t.Errorf("%s: median %s, its profile says %s", p.Name, m, p.Preflight.Median)
		}
		for code, want := range map[int]float64{429: p.Throttled, 500: p.Failed} {
			if got := float64(status[code]) / draws; got < want/2 || got > want*2 {
				t.Errorf("%s: %.4f of the answers are %d, its profile says %.4f", p.Name, got, code, want)
			}
		}
	}
}

func TestAnthropicsOwnFailuresAreOverloads(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{Providers: []fakeprovider.Provider{{
		Name: "down", Preflight: fakeprovider.Spread{Median: time.Second, P99: 2 * time.Second}, Failed: 1,
	}}})
	f.openAI("down", "w").is(500).has("error.type", "server_error")
	f.anthropic("down", "w").is(529).has("error.type", "overloaded_error")
}

func TestSetPreflightIsExact(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{Speed: 60})
	f.preflight("w", 7*time.Minute+30*time.Second, 2)
	type got struct {
		status int
		waited time.Duration
	}
	var all []got
	ask := func(provider string) { all = append(all, got{f.openAI(provider, "w").status, f.waits.last()}) }
	for range 4 {
		ask("minimax")
	}
	ask("kimi") // whatever the provider
	refused, answered := got{429, 2 * time.Second / 60}, got{200, 7500 * time.Millisecond}
	if want := []got{refused, refused, answered, answered, answered}; !slices.Equal(all, want) {
		t.Errorf("%v, want %v", all, want)
	}
	if a := f.openAI("minimax", "other"); f.waits.last() == answered.waited {
		t.Errorf("another workspace's preflight is the same: %d", a.status)
	}
	if s := f.State(); len(s.Preflights) != 1 || s.Preflights[0].Refused != 2 {
		t.Errorf("preflights %+v", s.Preflights)
	}
	// The next boot has another.
	f.preflight("w", time.Minute, 1)
	all = nil
	ask("minimax")
	ask("minimax")
	if want := []got{refused, {200, time.Second}}; !slices.Equal(all, want) {
		t.Errorf("set again: %v, want %v", all, want)
	}
	if !f.ForgetPreflight("w") || f.ForgetPreflight("w") {
		t.Error("it was not forgotten, once")
	}
	f.openAI("minimax", "w")
	if f.waits.last() == time.Second {
		t.Error("it is still set")
	}
	if f.SetPreflight("", 0, 0) == nil || f.SetPreflight("w", -1, 0) == nil || f.SetPreflight("w", 0, -1) == nil {
		t.Error("nonsense is taken")
	}
}

func TestTheKeyNamesTheWorkspace(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{})
	f.preflight("ws-1", 42*time.Second, 0)
	f.call("POST", "/kimi/v1/chat/completions", chat, "Authorization", "Bearer ws-1").is(200)
	if f.waits.last() != 42*time.Second {
		t.Errorf("as a bearer token: %s", f.waits.last())
	}
	f.call("POST", "/kimi/v1/messages", messages, "X-Api-Key", "ws-1", "Anthropic-Version", "2023-06-01").is(200)
	if f.waits.last() != 42*time.Second {
		t.Errorf("as a key: %s", f.waits.last())
	}
	f.call("POST", "/kimi/v1/chat/completions", chat, "Authorization", "Bearer ws-1", llm.WorkspaceHeader, "ws-2")
	if f.waits.last() == 42*time.Second {
		t.Error("the header does not come first")
	}
}

func TestRetryAfterIsScaled(t *testing.T) {
	t.Parallel()
	f := newFixture(t, llm.Options{Speed: 60})
	f.preflight("w", 0, 1)
	h := f.openAI("kimi", "w").is(429).header
	if h.Get("Retry-After") != "1" || h.Get("Retry-After-Ms") != "167" {
		t.Errorf("10 s at 60 times the speed are %s s, %s ms", h.Get("Retry-After"), h.Get("Retry-After-Ms"))
	}
}

// A client that gives up ends the wait, over a real socket, and a server that stops does not send an empty 200.
func TestAbandonedOnASocket(t *testing.T) {
	t.Parallel()
	calls := make(chan llm.Call, 4)
	server := llm.New(llm.Options{Answered: func(c llm.Call) { calls <- c }})
	if err := server.SetPreflight("w", time.Hour, 0); err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(server)
	base, stop := context.WithCancel(context.Background())
	defer stop()
	listener.Config.BaseContext = nil
	handler := listener.Config.Handler
	listener.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(base, cancel)()
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
	listener.Start()
	defer listener.Close()
	ask := func(ctx context.Context) (*http.Response, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, listener.URL+"/minimax/v1/chat/completions", strings.NewReader(chat))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer w")
		return listener.Client().Do(r)
	}
	underWay := func() int { return server.State().Providers[0].UnderWay }
	until := func(what string, n int) {
		await.Until(t, what, func() bool { return underWay() == n })
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if r, err := ask(ctx); err == nil {
			r.Body.Close()
			t.Error("it was answered")
		}
	})
	until("asked", 1)
	cancel()
	all.Wait()
	if c := <-calls; c.Status != 0 || c.Workspace != "w" || c.Number != 1 {
		t.Errorf("call %+v", c)
	}
	all.Go(func() {
		if r, err := ask(context.Background()); err == nil {
			text, _ := io.ReadAll(r.Body)
			r.Body.Close()
			t.Errorf("a server that stops answered %d %q", r.StatusCode, text)
		}
	})
	until("asked again", 1)
	stop()
	all.Wait()
	if c := <-calls; c.Status != 0 || c.Number < 2 {
		t.Errorf("call %+v", c)
	}
	if s := server.State().Providers[0]; s.Abandoned < 2 || s.UnderWay != 0 {
		t.Errorf("state %+v", s)
	}
}
