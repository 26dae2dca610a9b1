package fakeprovider

import (
	"math"
	"time"
)

// z99 is the standard normal distribution's 99th percentile.
const z99 = 2.3263478740408408

// Draws lie between these quantiles. A lognormal distribution has no longest value; a plan needs one.
const (
	lowestQuantile  = 0.001
	highestQuantile = 0.999
)

// Spread is how long something takes: a lognormal distribution, which is what waiting for networks and for other
// people's servers looks like, given by the two figures that one reads off a dashboard. Sigma is ln(P99/Median)/2.3263.
type Spread struct {
	Median time.Duration
	P99    time.Duration
}

// Quantile returns the duration that the share p of all draws does not exceed, in whole milliseconds. Where p lies beyond
// the quantiles 0.001 and 0.999, those are returned.
func (s Spread) Quantile(p float64) time.Duration {
	p = min(max(p, lowestQuantile), highestQuantile)
	sigma := math.Log(float64(s.P99)/float64(s.Median)) / z99
	z := math.Sqrt2 * math.Erfinv(2*p-1)
	return time.Duration(float64(s.Median) * math.Exp(sigma*z)).Round(time.Millisecond)
}

// Min is the shortest duration that is drawn.
func (s Spread) Min() time.Duration { return s.Quantile(lowestQuantile) }

// Max is the longest duration that is drawn.
func (s Spread) Max() time.Duration { return s.Quantile(highestQuantile) }

// Sample draws a duration. It takes one value from rand, and a greater value never gives a shorter duration, so that a
// search which shrinks the values shrinks the durations too. Rounding to milliseconds hides the last bits in which
// processors' floating-point arithmetic may differ.
func (s Spread) Sample(rand func() uint64) time.Duration { return s.Quantile(uniform(rand())) }

// Times returns the spread with both figures multiplied.
func (s Spread) Times(factor float64) Spread {
	return Spread{
		Median: time.Duration(float64(s.Median) * factor),
		P99:    time.Duration(float64(s.P99) * factor),
	}
}

// uniform maps the bits to a number strictly between 0 and 1.
func uniform(bits uint64) float64 { return (float64(bits>>11) + 0.5) / (1 << 53) }
