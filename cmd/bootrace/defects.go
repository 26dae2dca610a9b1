package main

import (
	"fmt"

	"github.com/bootrace/bootrace/controller/defects"
)

type defectsCmd struct{}

// Run implements the command.
func (defectsCmd) Run(s streams) error {
	for _, d := range defects.All() {
		fmt.Fprintf(s.out, "%-22s breaks %s (%s)\n    %s\n", d.Name, d.Breaks, d.Evidence, d.Mechanism)
	}
	return nil
}
