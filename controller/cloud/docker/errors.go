package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Error is a call to the Engine that failed.
type Error struct {
	Action string // create, start, …
	Status int    // the Engine's; 0 where the call got no answer
	class  error  // one of package cloud's, or nil
	err    error
}

// Error says it in one line.
func (e *Error) Error() string { return fmt.Sprintf("docker: %s: %v", e.Action, e.err) }

// Unwrap returns the class, where there is one, and the cause.
func (e *Error) Unwrap() []error {
	if e.class == nil {
		return []error{e.err}
	}
	return []error{e.class, e.err}
}

// failure wraps the error of a call; it is nil where err is.
func failure(ctx context.Context, action string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Action: action, err: err}
	var api *dc.Error
	switch {
	case ctx.Err() != nil:
		e.err = ctx.Err() // whatever the client makes of it, the caller gave up
	case isNotFound(err):
		e.Status, e.class = http.StatusNotFound, cloud.ErrNotFound
	case errors.Is(err, dc.ErrNoSuchImage):
		e.Status, e.class = http.StatusNotFound, cloud.ErrRefused
	case errors.As(err, &api):
		e.Status, e.err = api.Status, errors.New(strings.TrimSpace(api.Message))
		e.class = classOf(api.Status, api.Message)
	}
	return e
}

// isNotFound reports whether the Engine says that there is no such container.
func isNotFound(err error) bool {
	var none *dc.NoSuchContainer
	return errors.As(err, &none)
}

// exhausted are what the Engine says where there is no room for a container, which may change while a boot's budget runs.
var exhausted = []string{"no available ipv4 addresses", "no available ip", "no space left", "cannot allocate memory", "address pool", "exchange full"}

// classOf sorts the Engine's statuses into the classes of package cloud; nil is none of them, and thereby transient.
func classOf(status int, message string) error {
	message = strings.ToLower(message)
	for _, words := range exhausted {
		if strings.Contains(message, words) {
			return cloud.ErrCapacity
		}
	}
	switch status {
	case http.StatusBadRequest, http.StatusForbidden:
		return cloud.ErrRefused
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return cloud.ErrThrottled
	case http.StatusInsufficientStorage:
		return cloud.ErrCapacity
	default:
		return nil
	}
}

// beingRemoved reports whether the Engine says that somebody else is removing the container.
func beingRemoved(err error) bool {
	var api *dc.Error
	return errors.As(err, &api) && api.Status == http.StatusConflict && strings.Contains(api.Message, "already in progress")
}
