package standalone

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/wire"
)

// Config is what the agent is started with. All durations are in the contract's time.
type Config struct {
	WorkspaceID string        // a UUID; required
	PlatformURL string        // where the controller is; required
	Token       string        // empty where the first register has to earn one
	URL         string        // where it claims to serve; required
	Interval    time.Duration // of heartbeats; 30s where 0
	Speed       float64       // how many times faster than the contract's time everything goes; 1 where 0

	LLM      string // base URL of the LLM providers; empty where no preflight is to be made
	Provider string // whose preflight it is; required where LLM is set
	Key      string // the provider's API key; the workspace's id where empty

	Log *slog.Logger // nil for none
}

const defaultInterval = 30 * time.Second

// Validate reports everything that keeps the agent from being started, with the variables that say it.
func (c Config) Validate() error {
	var problems []error
	problem := func(format string, args ...any) { problems = append(problems, fmt.Errorf("agent: "+format, args...)) }
	switch _, err := uuid.Parse(c.WorkspaceID); {
	case c.WorkspaceID == "":
		problem("no workspace is given: set %s to the workspace's id, as the controller does on machines that it launches", wire.EnvWorkspaceID)
	case err != nil:
		problem("%s is %q, which is no workspace's id", wire.EnvWorkspaceID, c.WorkspaceID)
	}
	switch {
	case c.PlatformURL == "":
		problem("it does not know its controller: set %s to where that serves", wire.EnvPlatformURL)
	case !isURL(c.PlatformURL):
		problem("%s is %q, which is no http or https URL with a host", wire.EnvPlatformURL, c.PlatformURL)
	}
	if !isURL(c.URL) {
		problem("%q, where it claims to serve, is no http or https URL with a host", c.URL)
	}
	if !(c.Speed >= 0) || c.Interval < 0 { // not a number is neither
		problem("the speed is %v and the interval %s; neither may be below zero", c.Speed, c.Interval)
	}
	switch {
	case c.LLM == "":
	case !isURL(c.LLM):
		problem("%q, where the LLM providers are, is no http or https URL with a host", c.LLM)
	case c.Provider == "" || strings.ContainsAny(c.Provider, "/?#% "):
		problem("%q is no provider to make the preflight at: the workspace has no model, and none is given", c.Provider)
	}
	return errors.Join(problems...)
}

func isURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c Config) withDefaults() Config {
	if c.Interval == 0 {
		c.Interval = defaultInterval
	}
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.PlatformURL = strings.TrimSuffix(c.PlatformURL, "/")
	return c
}

// ProviderOf is the provider that a workspace's model names: the model itself, or what is before a slash or a colon in it.
func ProviderOf(model string) string {
	if i := strings.IndexAny(model, "/:"); i >= 0 {
		return model[:i]
	}
	return model
}
