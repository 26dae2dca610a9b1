// Package intercept stands between a controller and its store, so that a world can make the way there take time, fail it,
// or end the process on it. It decides nothing itself.
//
// It may import controller/store and what is below it; it must not import any world.
package intercept
