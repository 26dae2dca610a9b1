package serving

import "fmt"

// Limits say which of the calls that a rule is for it strikes.
type Limits struct {
	Skip  int     // how many are let through first
	Times int     // how many are struck at the most; 0 is without end
	Share float64 // how many of the calls are struck, in (0, 1]; 0 is all of them
}

// Validate reports limits that make no sense.
func (l Limits) Validate() error {
	if l.Skip < 0 || l.Times < 0 {
		return fmt.Errorf("skip %d, times %d: below zero", l.Skip, l.Times)
	}
	if !(l.Share >= 0 && l.Share <= 1) { // not a number is neither
		return fmt.Errorf("share %v is not between 0 and 1", l.Share)
	}
	return nil
}

// Tally is how often a rule has seen a call that it is for, and struck.
type Tally struct{ Seen, Struck int }

// Strikes counts a call, and reports whether the rule strikes it. It draws, from [0, 1), only where there is a share and
// the other limits let it strike.
func (t *Tally) Strikes(l Limits, draw func() float64) bool {
	t.Seen++
	if t.Seen <= l.Skip || l.Times > 0 && t.Struck >= l.Times {
		return false
	}
	if l.Share > 0 && draw() >= l.Share {
		return false
	}
	t.Struck++
	return true
}
