package contract_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/harness/contract"
)

func TestStandardIsWhole(t *testing.T) {
	t.Parallel()
	if err := contract.Standard().Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		alter func(*contract.Contract)
		want  string
	}{
		{"an edge to nowhere", func(c *contract.Contract) { c.Edges[0].To = "sleeping" }, `unknown end`},
		{"an edge of no event", func(c *contract.Contract) { c.Edges[0].Event = "nap" }, `is no event`},
		{"an event without a licence", func(c *contract.Contract) { c.Licences = c.Licences[1:] }, "nothing licenses create"},
		{"a licence by no call", func(c *contract.Contract) { c.Licences[0].Call = "nudge" }, `which is none`},
		{"a licence by no rule", func(c *contract.Contract) { c.Licences[0].Call, c.Licences[0].Rule = "", "mood" }, `which is none`},
		{"a licence by both", func(c *contract.Contract) { c.Licences[0].Rule = contract.RuleSilent }, "a call or a rule"},
		{"a licence for no event", func(c *contract.Contract) { c.Licences[0].Event = "nap" }, "is no event"},
	} {
		s := contract.Standard()
		c.alter(s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
		if err := contract.Standard().Validate(); err != nil {
			t.Errorf("%s altered the standard: %v", c.name, err)
		}
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	times := contract.Standard().Times
	if times.Budget("hermes") != 3*times.Budget("claude-code") {
		t.Errorf("hermes %s, others %s", times.Budget("hermes"), times.Budget("claude-code"))
	}
	times.ProvisionTimeout = 1
	if times.Budget("hermes") != 1 {
		t.Error("a provision timeout does not override a runtime's budget")
	}
}

const adminToken = "the operators' token"

// asked is a controller and the workspaces that the calls of the contract are about.
type asked struct {
	t       *testing.T
	handler http.Handler
	ids     map[string]string // by what they are
	token   string            // of the one that lives
}

func newAsked(t *testing.T) *asked {
	t.Helper()
	k, err := controller.New(controller.Config{Store: memory.New(lifecycle.Standard(), nil), AdminToken: adminToken})
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{t: t, handler: k.Handler(), ids: map[string]string{"unknown": uuid.NewString()}}
	for _, name := range []string{"living", "removed", "new"} {
		reply := a.call("POST", "/workspaces", adminToken, `{"name":"`+name+`"}`)
		_, rest, _ := strings.Cut(reply.Body.String(), `"id":"`)
		a.ids[name], _, _ = strings.Cut(rest, `"`)
	}
	reply := a.call("POST", "/registry/register", "", `{"id":"`+a.ids["living"]+`","url":"http://a:1","agent_card":{}}`)
	_, rest, _ := strings.Cut(reply.Body.String(), `"auth_token":"`)
	a.token, _, _ = strings.Cut(rest, `"`)
	a.call("POST", "/registry/heartbeat", a.token, `{"workspace_id":"`+a.ids["living"]+`"}`) // confirms the token
	a.call("DELETE", "/workspaces/"+a.ids["removed"], adminToken, "")
	return a
}

func (a *asked) call(method, path, token, body string) *httptest.ResponseRecorder {
	q := httptest.NewRequest(method, path, strings.NewReader(body))
	if token != "" {
		q.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, q)
	return w
}

// about makes the call about a workspace.
func (a *asked) about(c contract.Call, which, token string) int {
	id := a.ids[which]
	body := map[string]string{
		"create": `{"name":"another"}`, "register": `{"id":"` + id + `","url":"http://a:2","agent_card":{}}`,
		"heartbeat": `{"workspace_id":"` + id + `"}`, "update-card": `{"workspace_id":"` + id + `","agent_card":{}}`,
		"bootstrap-failed": `{"error":"it fell"}`,
	}[c.Name]
	return a.call(c.Method, strings.Replace(c.Path, "{id}", id, 1), token, body).Code
}

// snapshot is all that can be read.
func (a *asked) snapshot() string {
	all := a.call("GET", "/workspaces", adminToken, "").Body.String() + a.call("GET", "/events", adminToken, "").Body.String()
	for _, id := range []string{a.ids["living"], a.ids["removed"], a.ids["new"]} {
		all += a.call("GET", "/workspaces/"+id, "", "").Body.String()
	}
	return all
}

// Each refusal of the contract's table is the reference controller's, and changes nothing that can be read.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range contract.Standard().Calls {
		owner := map[string]string{contract.Admin: adminToken, contract.Workspace: adminToken, contract.Agent: newAsked(t).token}[c.By]
		for _, refusal := range []struct {
			why, which, token string
			codes             []int
		}{
			{"a stranger without a token", "living", "", c.Codes.Stranger},
			{"a stranger with another's token", "living", "not the token", c.Codes.Stranger},
			{"an unknown workspace", "unknown", owner, c.Codes.Unknown},
			{"a removed workspace", "removed", owner, c.Codes.Removed},
			{"where it does not apply", "new", owner, map[string][]int{"resume": c.Codes.Conflict, "hibernate": c.Codes.Conflict}[c.Name]},
		} {
			if refusal.codes == nil {
				continue
			}
			a := newAsked(t)
			before := a.snapshot()
			if code := a.about(c, refusal.which, refusal.token); !slices.Contains(refusal.codes, code) {
				t.Errorf("%s, %s: %d, and the contract says %v", c.Name, refusal.why, code, refusal.codes)
			}
			if after := a.snapshot(); after != before {
				t.Errorf("%s, %s: refused, and what can be read has changed\n%s\n%s", c.Name, refusal.why, before, after)
			}
		}
		a := newAsked(t)
		token := owner
		if c.By == contract.Agent {
			token = a.token
		}
		if c.Name == "resume" {
			a.about(contract.Call{Method: "POST", Path: "/workspaces/{id}/pause"}, "living", adminToken)
		}
		if code := a.about(c, "living", token); !slices.Contains(c.Codes.Granted, code) {
			t.Errorf("%s, granted: %d, and the contract says %v", c.Name, code, c.Codes.Granted)
		}
	}
}
