package preflight

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/bootrace/bootrace/fakeprovider/llm"
)

// Question is one completion that is asked for.
type Question struct {
	Base      string // URL of the LLM providers, below which each has its name
	Provider  string
	Workspace string // whom the completion is for
	Key       string // the API key; the workspace's id where empty, by which the fake providers tell whom it is for
}

// url is where the completion is asked for.
func (q Question) url() string {
	return strings.TrimSuffix(q.Base, "/") + "/" + q.Provider + "/v1/chat/completions"
}

// Ask asks once, and waits for as long as the provider takes. It is an error where it did not answer with a completion: the
// error says how it answered, and never the key.
func Ask(ctx context.Context, client *http.Client, q Question) error {
	const body = `{"model":"preflight","max_tokens":1,"messages":[{"role":"user","content":"ping"}]}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url(), strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("preflight: %w", err)
	}
	key := q.Key
	if key == "" {
		key = q.Workspace
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set(llm.WorkspaceHeader, q.Workspace)
	reply, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("preflight: %w", err)
	}
	defer reply.Body.Close()        //nolint:errcheck // it is read
	io.Copy(io.Discard, reply.Body) //nolint:errcheck // what it says does not matter
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("preflight: POST %s: %s", q.url(), reply.Status)
	}
	return nil
}
