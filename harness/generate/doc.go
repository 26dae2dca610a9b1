// Package generate draws whole plans: fleets, cold boots around the edges of their budgets, what the operator does and what
// goes wrong around the moments that matter. It finds what nobody wrote a scenario for.
//
// A plan is drawn by small choices from a [Draw], whatever is behind it: a seed, or rapid. Choices are ordered so that 0 is
// the simplest, which is what rapid shrinks towards. What is kept of a failure is the plan, never the choices: so a
// change of this package spoils no stored failure.
//
// [Aimed] draws a plan for one meeting of a transition with a tick: what a search has not reached by itself, it can aim at.
//
// It must not import any world.
package generate
