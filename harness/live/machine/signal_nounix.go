//go:build !unix

package machine

import "errors"

// Names of the signals that [Signal] sends; containers are Linux's.
const (
	Stop     = "stop"
	Continue = "continue"
	Leak     = "leak"
)

// Signal signals nobody here.
func Signal(string) error { return errors.New("machine: containers are Linux's") }

func leakWhenTold() {}
