package cpwire_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/fakeprovider/cpwire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a server under a clock that a test moves, called without a network.
type fixture struct {
	*testing.T
	*cpwire.Server

	mu   sync.Mutex
	now  time.Time
	told []string
}

func newFixture(t *testing.T, o cpwire.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	o.Now = func() time.Time {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.now
	}
	o.Launched = func(m cpwire.Machine) { f.told = append(f.told, "launched "+m.ID+" "+m.Env["TOKEN"]) }
	o.Stopped = func(m cpwire.Machine) { f.told = append(f.told, "stopped "+m.ID+": "+m.Reason) }
	f.Server = cpwire.New(o)
	return f
}

func (f *fixture) add(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// answer is a reply to one call.
type answer struct {
	*testing.T
	status int
	header http.Header
	body   string
}

func (f *fixture) send(h http.Handler, method, path, body string, headers ...string) (a answer) {
	f.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return answer{f.T, w.Code, w.Header(), w.Body.String()}
}

func (f *fixture) call(method, path, body string, headers ...string) answer {
	f.Helper()
	return f.send(f.Server, method, path, body, headers...)
}

func order(workspace, token string) string {
	return fmt.Sprintf(`{"org_id":"o","workspace_id":%q,"runtime":"hermes","tier":2,"platform_url":"http://p","env":{"TOKEN":%q}}`,
		workspace, token)
}

func (f *fixture) provision(workspace, token string) answer {
	f.Helper()
	return f.call("POST", "/cp/workspaces/provision", order(workspace, token))
}

func (f *fixture) state(workspace string) string {
	f.Helper()
	return f.call("GET", "/cp/workspaces/"+workspace+"/status", "").is(200).text("state")
}

func (f *fixture) faults(rules ...cpwire.Rule) {
	f.Helper()
	if err := f.SetFaults(cpwire.Faults{Rules: rules}); err != nil {
		f.Fatal(err)
	}
}

func (a answer) is(status int) answer {
	a.Helper()
	if a.status != status {
		a.Fatalf("status %d, want %d\n%s", a.status, status, a.body)
	}
	if status >= 400 && a.text("error") == "" {
		a.Errorf("an error that says nothing: %s", a.body)
	}
	return a
}

// text returns a field of the JSON body.
func (a answer) text(field string) string {
	a.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		a.Fatalf("%v\n%s", err, a.body)
	}
	s, _ := v[field].(string)
	return s
}
