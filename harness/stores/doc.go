// Package stores opens the stores that simulated controllers run on: a fresh one for each run, and nothing left of it
// afterwards.
//
// It may import controller/store and what is below it; it must not import any world.
package stores
