// Package contract writes the contract down a second time, on the harness's side: as data that a person can check against
// the description of the wire, line by line.
//
// A judge that takes its rules from the code that it judges agrees with every mistake in it: an edge too many in the
// controller's table passes for the contract, and so does a budget that it forgot. So the statuses, the events, the edges
// between them, what licenses each event, the budgets and times, the thresholds of a heartbeat, and who may make which call
// are written here by hand. A test compares them with the reference controller and shows each difference.
//
// A controller that goes by other rules on purpose brings its own: a [Contract] is a value, [Standard] returns a copy that
// can be altered, and [Policies] are the known ways in which healthy controllers differ.
//
// # Guarantees
//
// Everything here is data and pure functions of it. [Contract.Validate] reports words that the contract uses and does not
// declare.
//
// # Must not import
//
// Anything of this module. Package rules binds the words to those of histories.
package contract
