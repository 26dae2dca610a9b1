// Package intruder is somebody who knows the ids of workspaces and has a right to nothing: what it tries, and the tokens that it may
// have come by. Every world carries its calls in its own way.
//
// It must not import a world, or anything that judges or reports.
package intruder
