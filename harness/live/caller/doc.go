// Package caller calls a controller in the live world: for agents, the operator and the observer. It calls through the
// gateway, and tells it who calls.
//
// It must not import harness/live, which it is part of, or anything that judges or reports.
package caller
