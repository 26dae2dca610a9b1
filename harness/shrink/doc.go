// Package shrink makes a failing plan as small as a person would have written it: fewer workspaces, faults and acts, one
// replica, plain boots, round times, nothing that does not matter. It works on the plan itself, not on the draws that made
// it, so it does as well with a plan that was kept years ago, or written by hand.
//
// It must not import any world: what a failure is, its caller says.
package shrink
