package explore

import (
	"errors"
	"fmt"
	"time"
)

// Bounds are how far a search goes. Within them it is exhaustive.
type Bounds struct {
	Workspaces int `json:"workspaces"` // on machines of ours
	External   int `json:"external"`   // besides, workspaces that run elsewhere
	Replicas   int `json:"replicas"`
	Beats      int `json:"beats"`  // calls of each agent
	Sweeps     int `json:"sweeps"` // turns of each tick of each replica
	Acts       int `json:"acts"`   // of the operator
	Faults     int `json:"faults"`
	Stalls     int `json:"stalls"` // times that time passes while something is under way
	// States ends the search after so many, and Time after so long; 0 is no bound. A search that either ends is not exhausted.
	States int           `json:"states,omitempty"`
	Time   time.Duration `json:"time,omitempty"`
}

// DefaultBounds are what a search goes by that is told nothing else.
func DefaultBounds() Bounds {
	return Bounds{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Faults: 1, Stalls: 1}
}

// Limits of the bounds, so that a state stays small.
const (
	maxSpaces   = 3
	maxReplicas = 2
	maxCount    = 9
)

// Validate reports the first bound that makes no sense.
func (b Bounds) Validate() error {
	if n := b.Workspaces + b.External; n < 1 || n > maxSpaces || b.Workspaces < 0 || b.External < 0 {
		return fmt.Errorf("explore: the world has %d workspaces; it must be 1 to %d", n, maxSpaces)
	}
	if b.Replicas < 1 || b.Replicas > maxReplicas {
		return fmt.Errorf("explore: the world has %d replicas; it must be 1 or %d", b.Replicas, maxReplicas)
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"beats", b.Beats}, {"sweeps", b.Sweeps}, {"acts", b.Acts}, {"faults", b.Faults}, {"stalls", b.Stalls}} {
		if f.value < 0 || f.value > maxCount {
			return fmt.Errorf("explore: %s is %d; it must be 0 to %d", f.name, f.value, maxCount)
		}
	}
	if b.States < 0 || b.Time < 0 {
		return errors.New("explore: the bounds of states and time must not be below zero")
	}
	return nil
}

// Times of the world. They are short, so that few moments matter; the edges are where they are, whatever the times.
const (
	budget    = 60 * time.Second
	ttl       = 60 * time.Second
	interval  = 30 * time.Second // of heartbeats
	quickBoot = 20 * time.Second
	slowBoot  = budget + 30*time.Second
)
