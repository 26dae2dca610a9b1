package machine

import (
	"io"
	"net/http"
	"strings"

	"github.com/bootrace/bootrace/fakeprovider/llm"
	"github.com/bootrace/bootrace/harness/plan"
)

// preflight asks the LLM provider for one completion, again and again until it is answered.
func (m *machine) preflight() {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for !m.completes(client) {
		m.pass(plan.PreflightRetry)
	}
}

// completes reports whether the provider answered with a completion.
func (m *machine) completes(client *http.Client) bool {
	const body = `{"model":"preflight","max_tokens":1,"messages":[{"role":"user","content":"ping"}]}`
	q, err := http.NewRequest(http.MethodPost, m.LLM+"/"+m.Provider+"/v1/chat/completions", strings.NewReader(body)) //nolint:noctx // as long as the provider takes
	if err != nil {
		return false
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bearer "+m.id)
	q.Header.Set(llm.WorkspaceHeader, m.id)
	r, err := client.Do(q)
	if err != nil {
		return false
	}
	io.Copy(io.Discard, r.Body) //nolint:errcheck // what it says does not matter
	r.Body.Close()              //nolint:errcheck // it is read
	return r.StatusCode == http.StatusOK
}
