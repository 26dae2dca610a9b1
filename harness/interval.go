package harness

import "math"

// z95 is the 97.5th percentile of the standard normal distribution: 2.5 % are left out at either end.
const z95 = 1.959963984540054

// Interval returns the 95 % confidence interval of a rate of which n of all were seen: Wilson's score interval, which is sound for rates
// near 0 and 1 and for few trials (E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927).
func Interval(n, all int) (low, high float64) {
	if all == 0 {
		return 0, 1
	}
	p, m := float64(n)/float64(all), float64(all)
	centre := p + z95*z95/(2*m)
	width := z95 * math.Sqrt(p*(1-p)/m+z95*z95/(4*m*m))
	scale := 1 + z95*z95/m
	return max(0, (centre-width)/scale), min(1, (centre+width)/scale)
}
