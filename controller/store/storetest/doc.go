// Package storetest is the conformance suite of package store: it holds every implementation to the promises in the
// interface's comments, down to the values returned.
//
// # What it is for
//
// [Run] has one subtest for each promise. [RunModel] applies random sequences of calls to two stores side by side and
// compares all that can be seen of them after each; it finds what nobody thought of writing a subtest for.
//
// # Guarantees
//
// What it expects of statuses and events it derives from the lifecycle table that the store was opened with, never from a
// list of its own; so it holds for altered tables, and stays right when the table changes.
//
// After every sequential subtest the transition log and what the observer saw must say the same, in the same order.
//
// # Must not import
//
// Anything of this module but controller/store and controller/lifecycle. It knows no implementation.
package storetest
