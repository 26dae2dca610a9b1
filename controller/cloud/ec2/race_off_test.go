//go:build !race

package ec2_test

// raceFactor leaves room for a machine that is busy with other tests.
const raceFactor = 2
