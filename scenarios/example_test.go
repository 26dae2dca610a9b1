package scenarios_test

import (
	"fmt"
	"time"

	"github.com/bootrace/bootrace/scenarios"
)

func ExampleLoad() {
	_, err := scenarios.Load("race.yaml", []byte(`name: race
about: A boot that ends after its budget, during a partition.
fleet:
  - provider: minimax
    cuont: 5
    boot: {total: 11m42s}
faults:
  - kind: partition
    from: 11m
`))
	fmt.Println(err)
	// Output:
	// race.yaml:5:5: unknown field "cuont"
	//    5 |     cuont: 5
	//      |     ^^^^^
	//      = did you mean count?
	//
	// race.yaml:8:11: a fault of kind partition lacks the field until
	//    8 |   - kind: partition
	//      |           ^^^^^^^^^
	//      = until is when it ends, counted from the start of the run
	//
	// 2 problems
}

func ExampleScenario_YAML() {
	const minute = scenarios.Duration(time.Minute)
	s := scenarios.Scenario{
		Name:   "late-boot",
		About:  "A boot that ends after its budget.",
		Fleet:  []scenarios.Group{{Provider: "minimax", Count: 5, Boot: &scenarios.Boot{Total: 12 * minute}}},
		Acts:   []scenarios.Act{{At: 20 * minute, Do: "restart", First: 2}},
		Faults: []scenarios.Fault{{Kind: "lose-reply", From: 12 * minute, Until: 14 * minute, Calls: []string{"heartbeat"}, Nth: []int{1, 3}}},
		Expect: &scenarios.Expect{Statuses: map[string]int{"online": 5}},
	}
	fmt.Printf("%s", s.YAML())
	// Output:
	// name: late-boot
	// about: A boot that ends after its budget.
	// fleet:
	//   - provider: minimax
	//     count: 5
	//     boot: {total: 12m}
	// acts:
	//   - {at: 20m, do: restart, first: 2}
	// faults:
	//   - kind: lose-reply
	//     from: 12m
	//     until: 14m
	//     calls: [heartbeat]
	//     nth: [1, 3]
	// expect:
	//   statuses: {online: 5}
}
