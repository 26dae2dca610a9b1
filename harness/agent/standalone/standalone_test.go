package standalone_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent/standalone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outside is a controller and an LLM provider that write down who asks for what.
type outside struct {
	mu       sync.Mutex
	asked    []string
	beats    chan struct{}
	refusals int // of the provider
	code     int // the controller's answer to a heartbeat
}

func (o *outside) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked = append(o.asked, r.Method+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	switch {
	case strings.HasSuffix(r.URL.Path, "/completions") && o.refusals > 0:
		o.refusals--
		w.WriteHeader(http.StatusTooManyRequests)
	case r.URL.Path == wire.PathHeartbeat:
		w.WriteHeader(o.code)
		select {
		case o.beats <- struct{}{}:
		default:
		}
	}
}

func run(t *testing.T, o *outside, alter func(*standalone.Config)) (log *bytes.Buffer, stop func(), ended chan error) {
	t.Helper()
	o.beats = make(chan struct{}, 1)
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	log = &bytes.Buffer{}
	c := standalone.Config{
		WorkspaceID: uuid.NewString(), PlatformURL: server.URL + "/", Token: "the-token", URL: "http://agent:8000", Speed: 1000,
		LLM: server.URL, Provider: standalone.ProviderOf("minimax/m2"), Key: "the-key", Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	if alter != nil {
		alter(&c)
	}
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	ended = make(chan error, 1)
	go func() { ended <- standalone.Run(ctx, c) }()
	return log, stop, ended
}

// It makes its preflight until that is answered, registers, and heartbeats, in this order, and tells no secret.
func TestBoot(t *testing.T) {
	t.Parallel()
	o := &outside{refusals: 2, code: http.StatusOK}
	log, stop, ended := run(t, o, nil)
	<-o.beats
	<-o.beats
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// At 1000 times real time its patience is milliseconds, so a slow machine has it ask again: what it asks for, and in which
	// order, stays the same.
	want := []string{
		"POST /minimax/v1/chat/completions Bearer the-key", "POST /registry/register Bearer the-token", "POST /registry/heartbeat Bearer the-token",
	}
	if got := slices.Compact(slices.Clone(o.asked)); !slices.Equal(got, want) {
		t.Errorf("it asked for\n%s", strings.Join(o.asked, "\n"))
	}
	if i := slices.Index(o.asked, want[1]); i < 3 {
		t.Errorf("it made %d preflights, of which two were refused", i)
	}
	for _, secret := range []string{"the-token", "the-key"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %s:\n%s", secret, log)
		}
	}
	if n := strings.Count(log.String(), "msg=heartbeat"); n != 1 {
		t.Errorf("what stays as it is was logged %d times:\n%s", n, log)
	}
}

// It ends when its workspace is gone; and promptly when it is told to, although nobody answers.
func TestEnds(t *testing.T) {
	t.Parallel()
	log, _, ended := run(t, &outside{code: http.StatusGone}, nil)
	if err := <-ended; err != nil || !strings.Contains(log.String(), "the workspace is gone") {
		t.Errorf("%v:\n%s", err, log)
	}
	for name, alter := range map[string]func(*standalone.Config){
		"no provider":   func(c *standalone.Config) { c.LLM, c.Speed = "http://127.0.0.1:1", 1 },
		"no controller": func(c *standalone.Config) { c.PlatformURL, c.Speed = "http://127.0.0.1:1", 1 },
	} {
		_, stop, ended := run(t, &outside{code: http.StatusOK}, alter)
		time.Sleep(50 * time.Millisecond) // sleeps: wherever it is when it is told to end, the outcome is the same
		stop()
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Without a provider there is no preflight to be made.
func TestWithoutAProvider(t *testing.T) {
	t.Parallel()
	o := &outside{code: http.StatusOK}
	_, stop, ended := run(t, o, func(c *standalone.Config) { c.LLM, c.Provider = "", "" })
	<-o.beats
	stop()
	<-ended
	if !strings.Contains(o.asked[0], wire.PathRegister) {
		t.Errorf("it asked for %v", o.asked)
	}
	for model, provider := range map[string]string{"minimax": "minimax", "anthropic:claude": "anthropic", "openai/gpt/x": "openai", "": ""} {
		if got := standalone.ProviderOf(model); got != provider {
			t.Errorf("%q is of %q", model, got)
		}
	}
}
