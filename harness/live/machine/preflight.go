package machine

import (
	"context"
	"net/http"

	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/preflight"
)

// preflight asks the LLM provider for one completion, again and again until it is answered.
func (m *machine) preflight() {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for preflight.Ask(context.Background(), client, preflight.Question{Base: m.LLM, Provider: m.Provider, Workspace: m.id}) != nil {
		m.pass(plan.PreflightRetry)
	}
}
