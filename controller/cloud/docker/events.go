package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Event is something that happened to a container.
type Event struct {
	Action    string // start, die, oom, pause, …
	Container string // its id
	Labels    map[string]string
	At        time.Time
}

// Events tells of what happens from now on to containers that carry the label ("name=value"), until ctx is done: then, or where
// the Engine ends, the channel is closed.
func (e *Engine) Events(ctx context.Context, label string) (<-chan Event, error) {
	filters, err := json.Marshal(map[string][]string{"type": {"container"}, "label": {label}})
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	u := e.URL()
	u.Path, u.RawQuery = "/events", url.Values{"filters": {string(filters)}}.Encode()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	// The answer begins when the Engine listens, so that nothing is missed afterwards.
	r, err := e.Client.HTTPClient.Do(q) //nolint:bodyclose // below, by whoever reads it
	if err != nil {
		return nil, failure(ctx, "events", err)
	}
	if r.StatusCode != http.StatusOK {
		r.Body.Close() //nolint:errcheck // nothing is read
		return nil, fmt.Errorf("docker: events: %s", r.Status)
	}
	out := make(chan Event)
	go func() {
		defer close(out)
		defer r.Body.Close() //nolint:errcheck // it is read
		for d := json.NewDecoder(r.Body); ; {
			var in struct {
				Action string
				Actor  struct {
					ID         string
					Attributes map[string]string
				}
				TimeNano int64 `json:"timeNano"`
			}
			if d.Decode(&in) != nil {
				return
			}
			select {
			case out <- Event{in.Action, in.Actor.ID, in.Actor.Attributes, time.Unix(0, in.TimeNano)}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// URL is where the Engine's API is, for the Client's own HTTP client.
func (e *Engine) URL() *url.URL {
	u, err := url.Parse(e.Client.Endpoint())
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" {
		return &url.URL{Scheme: "http", Host: "docker"} // its transport knows where to connect to
	}
	if u.Scheme == "tcp" {
		u.Scheme = "http"
		if strings.HasSuffix(u.Host, ":2376") {
			u.Scheme = "https"
		}
	}
	return u
}
