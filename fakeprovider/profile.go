package fakeprovider

import (
	"fmt"
	"time"
)

// Phase is a part of a cold boot. The phases follow one another in the order of their declaration.
type Phase uint8

// The phases of a cold boot.
const (
	ImagePull  Phase = iota // the worker fetches the runtime's image
	AgentStart              // the agent's process starts
	Preflight               // the agent asks the LLM provider whether its key and model work

	phaseCount = int(Preflight) + 1
)

var phaseNames = [phaseCount]string{"image_pull", "agent_start", "preflight"}

// Phases returns every phase, in the order in which they happen.
func Phases() []Phase { return []Phase{ImagePull, AgentStart, Preflight} }

// String returns the phase's name in scenarios and histories.
func (p Phase) String() string {
	if int(p) < phaseCount {
		return phaseNames[p]
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}

// ParsePhase is the inverse of [Phase.String].
func ParsePhase(name string) (Phase, error) {
	for i, n := range phaseNames {
		if n == name {
			return Phase(i), nil
		}
	}
	return 0, fmt.Errorf("fakeprovider: %q is no phase of a boot", name)
}

// MarshalText encodes the phase as its name.
func (p Phase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText decodes a name; an unknown one is an error.
func (p *Phase) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePhase(string(text))
	return err
}

// Boot is how long one cold boot takes, phase by phase, from the launch to the agent's first heartbeat.
type Boot struct {
	Cold  bool // the image was pulled by a worker that had no layer of it
	Takes [phaseCount]time.Duration
}

// Total is the whole boot.
func (b Boot) Total() time.Duration {
	var sum time.Duration
	for _, d := range b.Takes {
		sum += d
	}
	return sum
}

// SampleBoot draws a cold boot of the runtime with the provider's preflight. It takes four values from rand.
func SampleBoot(r Runtime, p Provider, rand func() uint64) Boot {
	var b Boot
	b.Takes[ImagePull], b.Cold = r.SampleImagePull(rand)
	b.Takes[AgentStart] = r.SampleAgentStart(rand)
	b.Takes[Preflight] = p.SamplePreflight(rand)
	return b
}

// MaxBoot is the longest boot that [SampleBoot] draws.
func MaxBoot(r Runtime, p Provider) time.Duration {
	return r.ColdImagePull().Max() + r.AgentStart.Max() + p.Preflight.Max()
}
