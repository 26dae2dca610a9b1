// Package switched tells the code of a batch of mutants which of them is on. Only code that package hand writes imports it; it must
// not import anything of this module, since every package of the controller may be part of a batch.
package switched

import (
	"os"
	"strconv"
)

// Variable is the environment variable with the number of the mutant that is on, from 1.
const Variable = "BOOTRACE_MUTANT"

var active = func() int {
	n, err := strconv.Atoi(os.Getenv(Variable))
	if err != nil {
		return 0
	}
	return n
}()

// On reports whether the mutant is on.
func On(mutant int) bool { return active == mutant }

// Value is the value of a variable that the mutant initialises otherwise.
func Value[T any](plain T, mutant int, mutated T) T {
	if On(mutant) {
		return mutated
	}
	return plain
}
