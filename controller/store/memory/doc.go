// Package memory is the store that lives in one process: for simulation, where thousands of fleets a second need one,
// and for tests. It loses everything when dropped.
//
// It guarantees what package store says, by one mutex, and reports every row's move to an observer.
// It must not import anything of this module but controller/store and controller/lifecycle.
package memory
