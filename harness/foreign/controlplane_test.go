package foreign_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/cloud"
)

// controlPlane is a client of the control plane's wire, as a multi-tenant server has one.
type controlPlane struct {
	url      string
	client   *http.Client // nil for the default one
	mu       sync.Mutex
	machines map[string]cloud.Machine
}

func (c *controlPlane) call(ctx context.Context, method, path string, body, reply any) error {
	text, _ := json.Marshal(body)
	q, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	q.Close = true
	client := c.client
	if client == nil {
		client = http.DefaultClient
	}
	r, err := client.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return json.NewDecoder(r.Body).Decode(reply)
	case http.StatusNotFound:
		return cloud.ErrNotFound
	case http.StatusUnprocessableEntity:
		return cloud.ErrRefused
	case http.StatusServiceUnavailable:
		return cloud.ErrCapacity
	default:
		return fmt.Errorf("%s %s: %s", method, path, r.Status)
	}
}

func (c *controlPlane) Launch(ctx context.Context, s cloud.Spec) (cloud.Machine, error) {
	var reply struct {
		ID string `json:"instance_id"`
	}
	err := c.call(ctx, http.MethodPost, "/cp/workspaces/provision", map[string]any{
		"org_id": "org-1", "workspace_id": s.WorkspaceID, "runtime": s.Runtime, "env": s.Env,
	}, &reply)
	if err != nil {
		return cloud.Machine{}, err
	}
	m := cloud.Machine{ID: reply.ID, WorkspaceID: s.WorkspaceID, Incarnation: s.Incarnation, State: cloud.Running, LaunchedAt: time.Now()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines[m.ID] = m
	return m, nil
}

func (c *controlPlane) Terminate(ctx context.Context, id string) error {
	m, err := c.Describe(ctx, id)
	if err != nil {
		return err
	}
	var reply any
	if err := c.call(ctx, http.MethodDelete, "/cp/workspaces/"+m.WorkspaceID+"?instance_id="+id, nil, &reply); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.machines, id)
	return nil
}

func (c *controlPlane) Describe(_ context.Context, id string) (cloud.Machine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.machines[id]
	if !ok {
		return m, cloud.ErrNotFound
	}
	return m, nil
}

func (c *controlPlane) List(context.Context) ([]cloud.Machine, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []cloud.Machine
	for _, m := range c.machines {
		all = append(all, m)
	}
	return all, nil
}

// workspaces counts what the controller lists.
func workspaces(t *testing.T, url string) int {
	t.Helper()
	return workspacesOf(t, http.DefaultClient, url)
}

func workspacesOf(t *testing.T, client *http.Client, url string) int {
	t.Helper()
	q, _ := http.NewRequest(http.MethodGet, url+"/workspaces", nil)
	q.Header.Set("Authorization", "Bearer "+adminToken)
	q.Header.Set("User-Agent", "test")
	q.Close = true
	r, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var all []any
	if err := json.NewDecoder(r.Body).Decode(&all); err != nil {
		t.Fatal(err)
	}
	return len(all)
}
