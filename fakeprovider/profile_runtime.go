package fakeprovider

import "time"

// Runtime is an agent runtime, as far as a cold boot notices. How long a controller gives it is the controller's to say,
// not the profile's.
type Runtime struct {
	Name string
	// ImagePull is how long the pull takes on a worker that has most layers already.
	ImagePull Spread
	// ColdWorker is the probability that the worker has none of them, and ColdFactor how many times longer the pull takes
	// then.
	ColdWorker float64
	ColdFactor float64
	AgentStart Spread
}

// Of these figures, the contract's table of times gives two facts: most runtimes boot in under 5 min, hermes in 13 to 25
// min on slow mirrors. Everything more exact is an assumption, chosen to give those facts; profile_test.go holds both
// together.
var runtimes = []Runtime{
	{
		Name:       "claude-code",
		ImagePull:  Spread{Median: 45 * time.Second, P99: 2 * time.Minute}, // assumed: an image of about 1 GB
		ColdWorker: 0.25, ColdFactor: 3,                                    // assumed: one worker in four is new in a fleet that scales with its load
		AgentStart: Spread{Median: 20 * time.Second, P99: 50 * time.Second}, // assumed
	},
	{
		Name:       "langgraph",
		ImagePull:  Spread{Median: 30 * time.Second, P99: 90 * time.Second}, // assumed: a smaller image
		ColdWorker: 0.25, ColdFactor: 3,                                     // assumed: as claude-code, since the workers are the same
		AgentStart: Spread{Median: 10 * time.Second, P99: 30 * time.Second}, // assumed
	},
	{
		Name: "hermes",
		// Given: 13 to 25 min for the boot on slow mirrors. Assumed: the pull is most of that.
		ImagePull:  Spread{Median: 14 * time.Minute, P99: 18*time.Minute + 30*time.Second},
		ColdWorker: 0.25, ColdFactor: 1.15, // assumed: the mirror is the bottleneck whatever the worker has
		AgentStart: Spread{Median: 90 * time.Second, P99: 3 * time.Minute}, // assumed: it loads more than the others
	},
}

// Runtimes returns every known runtime, in the order of the table.
func Runtimes() []Runtime { return append([]Runtime(nil), runtimes...) }

// LookupRuntime finds a runtime by its name.
func LookupRuntime(name string) (Runtime, bool) {
	for _, r := range runtimes {
		if r.Name == name {
			return r, true
		}
	}
	return Runtime{}, false
}

// ColdImagePull is how long the pull takes on a worker that has none of the image's layers.
func (r Runtime) ColdImagePull() Spread { return r.ImagePull.Times(r.ColdFactor) }

// SampleImagePull draws how long the pull takes, and whether the worker was cold. It takes two values from rand; the
// smallest give a warm worker.
func (r Runtime) SampleImagePull(rand func() uint64) (takes time.Duration, cold bool) {
	cold = uniform(rand()) > 1-r.ColdWorker
	if cold {
		return r.ColdImagePull().Sample(rand), true
	}
	return r.ImagePull.Sample(rand), false
}

// SampleAgentStart draws how long the agent's process takes to start. It takes one value from rand.
func (r Runtime) SampleAgentStart(rand func() uint64) time.Duration { return r.AgentStart.Sample(rand) }
