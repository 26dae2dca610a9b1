package invariant

import (
	"fmt"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/linear"
)

// hasLegalOrder judges the replies about each workspace by a model of one: see package linear.
func hasLegalOrder(v *View, r *report) {
	problems, replies := linear.Check(v.Plan, &history.History{Events: v.events}, linear.Timeout)
	r.checked = replies
	for _, x := range problems {
		if x.Unknown {
			r.unknown = fmt.Sprintf("workspace %d: %s", x.Workspace, x.What)
			continue
		}
		r.violated(Violation{
			Workspace: x.Workspace, Since: x.Since, At: x.At, What: x.What,
			Expected: "replies that one thing after another can have given, by the lifecycle's edges",
		})
	}
}
