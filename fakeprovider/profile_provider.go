package fakeprovider

import "time"

// Provider is an LLM provider, as far as a cold boot notices: the agent's preflight asks it for one completion.
type Provider struct {
	Name string
	// Preflight is how long the preflight takes when it is answered at the first attempt.
	Preflight Spread
	// Throttled and Failed are the probabilities that one attempt is answered 429 or 5xx instead. The agent tries again.
	Throttled float64
	Failed    float64
}

// Of these figures, the contract's table of times gives two facts: minimax preflights slower than kimi, and often crosses
// the 10 min budget; most runtimes boot in under 5 min. Everything more exact is an assumption, chosen to give those
// facts together with the runtimes' figures; profile_test.go holds both together.
var providers = []Provider{
	// Assumed: a median at which a claude-code boot crosses 10 min about two times in five, and rate limits hit often
	// enough to be seen in a fleet of five.
	{Name: "minimax", Preflight: Spread{Median: 8 * time.Minute, P99: 15 * time.Minute}, Throttled: 0.05, Failed: 0.02},
	// Assumed: slow enough to be no rounding error beside an image pull, and far inside the budget.
	{Name: "kimi", Preflight: Spread{Median: 40 * time.Second, P99: 2 * time.Minute}, Throttled: 0.02, Failed: 0.01},
	// Assumed: the quickest of all; a completion and little more.
	{Name: "anthropic", Preflight: Spread{Median: 15 * time.Second, P99: 45 * time.Second}, Throttled: 0.01, Failed: 0.005},
	// Assumed: like anthropic, a little slower.
	{Name: "openai", Preflight: Spread{Median: 20 * time.Second, P99: 60 * time.Second}, Throttled: 0.01, Failed: 0.005},
	// Assumed: about kimi's median with a longer tail.
	{Name: "gemini", Preflight: Spread{Median: 45 * time.Second, P99: 150 * time.Second}, Throttled: 0.02, Failed: 0.01},
	// Assumed: the slowest but for minimax, and busier.
	{Name: "deepseek", Preflight: Spread{Median: 60 * time.Second, P99: 3 * time.Minute}, Throttled: 0.03, Failed: 0.02},
}

// Providers returns every known LLM provider, in the order of the table.
func Providers() []Provider { return append([]Provider(nil), providers...) }

// LookupProvider finds a provider by its name.
func LookupProvider(name string) (Provider, bool) {
	for _, p := range providers {
		if p.Name == name {
			return p, true
		}
	}
	return Provider{}, false
}

// SamplePreflight draws how long the preflight takes when it is answered at the first attempt. It takes one value from
// rand.
func (p Provider) SamplePreflight(rand func() uint64) time.Duration { return p.Preflight.Sample(rand) }

// Answer is how an LLM provider answers one attempt of a preflight.
type Answer uint8

// The answers to a preflight.
const (
	Answered    Answer = iota // with a completion
	RateLimited               // with 429
	ServerError               // with 5xx
)

// SampleAnswer draws how one attempt is answered. It takes one value from rand; the smallest are answered, so that a
// search which shrinks the values removes the failures.
func (p Provider) SampleAnswer(rand func() uint64) Answer {
	switch u := uniform(rand()); {
	case u > 1-p.Throttled:
		return RateLimited
	case u > 1-p.Throttled-p.Failed:
		return ServerError
	default:
		return Answered
	}
}
