package main

import (
	"fmt"

	"github.com/bootrace/bootrace/controller/defects"
)

type defectsCmd struct{}

// Run implements the command.
func (defectsCmd) Run(s streams) error {
	l := list{}
	for _, d := range defects.All() {
		l.add(d.Name, fmt.Sprintf("breaks %s (%s)", d.Breaks, d.Evidence), d.Mechanism)
	}
	return l.write(s.out)
}
