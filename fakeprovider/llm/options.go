package llm

import (
	"context"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/fakeprovider/internal/serving"
)

// WorkspaceHeader names the workspace that a request is for.
const WorkspaceHeader = "X-Workspace-Id"

// Options say what a [Server] is like. The zero value is every provider that there is, as slow as it is.
type Options struct {
	// Providers are those that are served; [fakeprovider.Providers] by default.
	Providers []fakeprovider.Provider
	// Seed is what refusals and durations are drawn from.
	Seed uint64
	// Speed is how many times faster than the wall clock time passes; 1 by default, 60 makes a minute a second.
	Speed float64
	// Refusal is how long a 429 or a 5xx takes to come, 2 s by default, and RetryAfter how long a 429 asks to wait, 10 s
	// by default. They are what plans of the harness assume.
	Refusal    time.Duration
	RetryAfter time.Duration
	// Faults are what goes wrong from the start; see [Server.SetFaults].
	Faults Faults

	// Answered is told of every completion, when it has been answered or given up by its client: one at a time, with no
	// lock held, so that it may call the server. It may be nil.
	Answered func(Call)

	// Now is the clock that calls are dated by, and Wait waits for so long in real time, or reports false where the context
	// ended first; both are the machine's clock by default.
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) bool
}

// Validate reports the first option that makes no sense.
func (o Options) Validate() error {
	if !(o.Speed >= 0 && o.Speed <= maxSpeed) { // not a number is neither
		return fmt.Errorf("llm: speed %v is not between 0 and %d", o.Speed, maxSpeed)
	}
	if o.Refusal < 0 || o.RetryAfter < 0 {
		return fmt.Errorf("llm: refusal %s, retry after %s: below zero", o.Refusal, o.RetryAfter)
	}
	return o.Faults.Validate()
}

// maxSpeed is past what any clock can tell.
const maxSpeed = 1_000_000

func (o Options) withDefaults() Options {
	if o.Providers == nil {
		o.Providers = fakeprovider.Providers()
	}
	if o.Speed == 0 {
		o.Speed = 1
	}
	if o.Refusal == 0 {
		o.Refusal = 2 * time.Second
	}
	if o.RetryAfter == 0 {
		o.RetryAfter = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = serving.Wait
	}
	return o
}

// real is how long a virtual duration lasts.
func (o Options) real(d time.Duration) time.Duration { return time.Duration(float64(d) / o.Speed) }
