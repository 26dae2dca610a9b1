package llm_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/fakeprovider/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waits stands in for the clock: nobody waits, and what they would have waited is kept.
type waits struct {
	mu     sync.Mutex
	all    []time.Duration
	during func() // called in each
}

func (w *waits) wait(ctx context.Context, d time.Duration) bool {
	w.mu.Lock()
	w.all = append(w.all, d)
	during := w.during
	w.mu.Unlock()
	if during != nil {
		during()
	}
	return ctx.Err() == nil
}

func (w *waits) last() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all[len(w.all)-1]
}

// fixture is a server that is called without a network and in no time.
type fixture struct {
	*testing.T
	*llm.Server
	waits *waits
}

func newFixture(t *testing.T, o llm.Options) *fixture {
	t.Helper()
	w := &waits{}
	o.Wait = w.wait
	o.Now = func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	return &fixture{t, llm.New(o), w}
}

// answer is a reply to one call.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   string
}

func (f *fixture) call(method, path, body string, headers ...string) answer {
	f.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return answer{f.T, w.Code, w.Header(), w.Body.String()}
}

const (
	chat     = `{"model":"m-1","messages":[{"role":"user","content":"say OK"}]}`
	messages = `{"model":"m-1","max_tokens":5,"messages":[{"role":"user","content":"say OK"}]}`
)

// openAI asks for a completion as OpenAI's clients do, for the workspace.
func (f *fixture) openAI(provider, workspace string) answer {
	f.Helper()
	return f.call("POST", "/"+provider+"/v1/chat/completions", chat, "Authorization", "Bearer key", llm.WorkspaceHeader, workspace)
}

// anthropic does so as Anthropic's clients do.
func (f *fixture) anthropic(provider, workspace string) answer {
	f.Helper()
	return f.call("POST", "/"+provider+"/v1/messages", messages, "X-Api-Key", "key", "Anthropic-Version", "2023-06-01",
		llm.WorkspaceHeader, workspace)
}

func (f *fixture) preflight(workspace string, takes time.Duration, refusals int) {
	f.Helper()
	if err := f.SetPreflight(workspace, takes, refusals); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) faults(rules ...llm.Rule) {
	f.Helper()
	if err := f.SetFaults(llm.Faults{Rules: rules}); err != nil {
		f.Fatal(err)
	}
}

func (a answer) is(status int) answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("status %d, want %d\n%s", a.status, status, a.body)
	}
	return a
}

// at returns what is in the JSON body under the path of keys, "0" being the first of a list.
func (a answer) at(path string) any {
	a.Helper()
	var v any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.Fatalf("%v\n%s", err, a.body)
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			v = x[key[0]-'0']
		default:
			a.Fatalf("no %s in %s", path, a.body)
		}
	}
	return v
}

func (a answer) has(path string, want any) answer {
	a.Helper()
	if got := a.at(path); got != want {
		a.Errorf("%s is %v, want %v\n%s", path, got, want, a.body)
	}
	return a
}

func (f *fixture) admin(method, path, body string) answer {
	f.Helper()
	w := httptest.NewRecorder()
	f.Admin().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return answer{f.T, w.Code, w.Header(), w.Body.String()}
}
