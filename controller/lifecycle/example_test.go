package lifecycle_test

import (
	"fmt"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// A heartbeat brings a workspace online that a sweep gave up; a removed one stays removed.
func ExampleTable() {
	table := lifecycle.Standard()
	for _, from := range []lifecycle.Status{lifecycle.Failed, lifecycle.Removed} {
		to, moves := table.Next(lifecycle.Beat, from)
		fmt.Println(from, to, moves)
	}
	// Output:
	// failed online true
	// removed removed false
}
