//go:build race

package ec2_test

// raceFactor is how much slower than a user's a call may be under the race detector.
const raceFactor = 4
