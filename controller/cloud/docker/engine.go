package docker

import (
	"context"
	"fmt"
	"net/http"

	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"
)

// Engine is a Docker Engine. It is safe for concurrent use.
type Engine struct {
	// Client talks to it, for what this package does not do itself.
	Client *dc.Client
}

// Connect returns the Engine of a host, as [Config.Host] names it, once it answers.
func Connect(ctx context.Context, host string) (*Engine, error) {
	e, err := open(host)
	if err != nil {
		return nil, err
	}
	if err := e.ping(ctx); err != nil {
		e.Close()
		return nil, err
	}
	return e, nil
}

// open returns an Engine that nobody has talked to yet.
func open(host string) (*Engine, error) {
	pool, err := dockertest.NewPool(host)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	if t, ok := pool.Client.HTTPClient.Transport.(*http.Transport); ok {
		t.MaxIdleConnsPerHost = 16 // the launcher makes many calls at once
	}
	return &Engine{pool.Client}, nil
}

// Close gives up connections that are kept for the next call. The Engine can still be used.
func (e *Engine) Close() { e.Client.HTTPClient.CloseIdleConnections() }
