package harness_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// onWire are the calls of the wire with the bodies of their requests and replies.
var onWire = []struct {
	call           string
	request, reply any
	is             func(*http.Request) bool
}{
	{"create", wire.CreateRequest{}, wire.CreateReply{}, at("POST", wire.PathWorkspaces)},
	{"list", nil, wire.Workspace{}, at("GET", wire.PathWorkspaces)},
	{"get", nil, wire.Workspace{}, below("GET", "")},
	{"state", nil, wire.State{}, below("GET", "/state")},
	{"delete", nil, wire.StatusReply{}, below("DELETE", "")},
	{"restart", nil, wire.StatusReply{}, below("POST", "/restart")},
	{"hibernate", nil, wire.StatusReply{}, below("POST", "/hibernate")},
	{"pause", nil, wire.PauseReply{}, below("POST", "/pause")},
	{"resume", nil, wire.ResumeReply{}, below("POST", "/resume")},
	{"register", wire.RegisterRequest{}, wire.RegisterReply{}, at("POST", wire.PathRegister)},
	{"heartbeat", wire.Heartbeat{}, wire.StatusReply{}, at("POST", wire.PathHeartbeat)},
	{"update-card", wire.UpdateCardRequest{}, wire.StatusReply{}, at("POST", wire.PathUpdateCard)},
	{"bootstrap-failed", wire.BootstrapFailedRequest{}, wire.BootstrapFailedReply{}, func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/bootstrap-failed")
	}},
	{"events", nil, wire.Event{}, at("GET", wire.PathEvents)},
}

func at(method, path string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == method && r.URL.Path == path }
}

func below(method, end string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		rest, ok := strings.CutPrefix(r.URL.Path, wire.PathWorkspaces+"/")
		return ok && r.Method == method && len(rest) == 36+len(end) && strings.HasSuffix(rest, end)
	}
}

// unseenFields are those that no invariant looks at, each with the reason.
var unseenFields = map[string]string{
	"create request secrets":                     "this controller refuses them, and nobody of the harness sends any",
	"register reply status":                      "it is the same word whatever happens, and nobody goes by it",
	"heartbeat reply status":                     "it is the same word whatever happens, and nobody goes by it",
	"update-card reply status":                   "it is the same word whatever happens, and nobody goes by it",
	"create reply external":                      "it repeats what was asked for, and nobody goes by it",
	"create reply connection.platform_url":       "where the controller is reached, which a simulated one has no address for",
	"create reply connection.registry_endpoint":  "where the controller is reached, which a simulated one has no address for",
	"create reply connection.heartbeat_endpoint": "where the controller is reached, which a simulated one has no address for",
	"create reply connection":                    "an object, whose fields are below",
	"events reply payload":                       "an object, whose fields are below",
	"list reply id":                              "it is how the list's entries are told from one another: without it there are none, and another is nobody's",
	"bootstrap-failed reply ok":                  "it is the same word whatever happens, and nobody goes by it",
}

// tampering is the reference controller behind a proxy that alters one field of one call's requests or replies.
func tampering(is func(*http.Request) bool, request bool, path []string) sim.Target {
	return sim.Target{Name: "tampering", Deploy: func() sim.Deployment {
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Ticks: k.Ticks(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !is(r) {
					k.ServeHTTP(w, r)
					return
				}
				if request {
					body, _ := io.ReadAll(r.Body)
					body = altered(body, path)
					q := r.Clone(r.Context())
					q.Body, q.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
					k.ServeHTTP(w, q)
					return
				}
				reply := httptest.NewRecorder()
				k.ServeHTTP(reply, r)
				body := reply.Body.Bytes()
				if reply.Code/100 == 2 {
					body = altered(body, path)
				}
				w.WriteHeader(reply.Code)
				w.Write(body)
			})}, nil
		}}
	}}
}

// altered returns the JSON with another value of the field, in every element where it is an array.
func altered(body []byte, path []string) []byte {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return body
	}
	out, err := json.Marshal(other(v, path))
	if err != nil {
		return body
	}
	return out
}

func other(v any, path []string) any {
	if list, ok := v.([]any); ok && len(path) > 0 {
		for i := range list {
			list[i] = other(list[i], path)
		}
		return list
	}
	if object, ok := v.(map[string]any); ok && len(path) > 0 {
		if there, ok := object[path[0]]; ok {
			object[path[0]] = other(there, path[1:])
		}
		return object
	}
	switch v := v.(type) {
	case string:
		return otherWord(v)
	case float64:
		return v + 7
	case bool:
		return !v
	case map[string]any:
		return map[string]any{"name": "somebody else's"}
	}
	return v
}

func otherWord(s string) string {
	for _, words := range [][2]string{{"online", "offline"}, {"paused", "online"}, {"provisioning", "failed"}, {"removed", "paused"}, {"hibernated", "online"}, {"awaiting_agent", "online"}, {"wedged", ""}} {
		if s == words[0] {
			return words[1]
		}
	}
	if len(s) == 36 && strings.Count(s, "-") == 4 { // an id
		return "00000000" + s[8:]
	}
	if strings.HasPrefix(s, "20") && strings.HasSuffix(s, "Z") { // a time
		return "2001" + s[4:]
	}
	letters := []rune(s)
	slices.Reverse(letters)
	return string(letters) + "0"
}

// Every field of every call is looked at: a controller that is told or tells another value is found.
func TestEveryWireFieldIsLookedAt(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("make test runs this without the race detector, under which it takes minutes")
	}
	used := map[string]bool{}
	for _, c := range onWire {
		for what, body := range map[string]any{"request": c.request, "reply": c.reply} {
			if body == nil {
				continue
			}
			for _, path := range fieldsOf(reflect.TypeOf(body)) {
				name := c.call + " " + what + " " + strings.Join(path, ".")
				if unseenFields[name] != "" {
					used[name] = true
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					const checks = 150
					if x := firstFound(t, tampering(c.is, what == "request", path), checks); x == nil {
						t.Errorf("%s may be anything: no invariant looks at it in %d checks", name, checks)
					}
				})
			}
		}
	}
	for name := range unseenFields {
		if !used[name] {
			t.Errorf("%s is no field of the wire", name)
		}
	}
}

// firstFound plays generated plans until one violates something, and returns what, or nothing.
func firstFound(t *testing.T, target sim.Target, checks int) *invariant.Violation {
	t.Helper()
	draws := oracle.NewRandom(1, "check")
	for i := range checks {
		p := generate.Plan(func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }, generate.Strategy{Depth: i % 4})
		o := harness.Play(context.Background(), p, stores.Memory(), target, nil)
		if o.Fault != nil {
			t.Fatal(o.Fault)
		}
		if x := o.Judgement.First(); x != nil {
			return x
		}
	}
	return nil
}

// fieldsOf returns the paths of the fields of a body, of its objects too.
func fieldsOf(t reflect.Type) [][]string {
	var all [][]string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		all = append(all, []string{name})
		if inner.Kind() == reflect.Struct && inner.NumField() > 0 && inner.Field(0).Tag.Get("json") != "" {
			for _, path := range fieldsOf(inner) {
				all = append(all, append([]string{name}, path...))
			}
		}
	}
	return all
}
