package defects

import "github.com/bootrace/bootrace/controller"

// reported are the mechanisms of public bug reports of other controllers, rebuilt here.
var reported = []*Defect{
	{
		Name: "describe-is-death",
		Mechanism: "Who asks about a machine and gets an error takes the machine for gone: a cloud that throttles, or does not know a young " +
			"machine yet, has healthy workspaces restarted.",
		Breaks:   "unasked",
		Evidence: "peer",
		loop:     health("health-check", undescribed),
	},
	{
		Name: "unlisted-is-death",
		Mechanism: "Who is not in the cloud's list is taken for gone: a list that lags, or ends in the middle, has healthy workspaces " +
			"restarted.",
		Breaks:   "unasked",
		Evidence: "peer",
		loop:     health("health-check", unlisted),
	},
	{
		Name: "token-of-the-dead",
		Mechanism: "A launch's client token is the workspace's, whichever its incarnation: after a restart the cloud answers with the machine " +
			"that has ended, and no retry ever gets another.",
		Breaks:   "launches",
		Evidence: "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = oneToken{c.Cloud}
		},
	},
	{
		Name: "token-per-attempt",
		Mechanism: "Each attempt of one launch has a client token of its own: where the first took effect and nobody recorded it, the next is " +
			"another machine.",
		Breaks:   "one-machine",
		Also:     []string{"launches"},
		Evidence: "design",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = freshToken{c.Cloud, c.Store}
		},
	},
	{
		Name:      "trusted-launch",
		Mechanism: "A launch that the cloud did not take is taken for one that goes on: the workspace waits for a machine that nobody launches.",
		Breaks:    "launches",
		Also:      []string{"one-machine", "cause-kept"}, // where it took effect, or failed once more before that
		Evidence:  "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Cloud = trusted{c.Cloud}
		},
	},
	{
		Name: "starving-batch",
		Mechanism: "The liveness sweep reads as many rows as a batch has and then looks who of them is silent: whoever stands further down " +
			"is never looked at.",
		Breaks:   "detects-silence",
		Also:     []string{"stays-online", "event-iff-transition", "removed-is-terminal", "operator-intent-holds", "loser-cannot-overwrite-winner"},
		Evidence: "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Store = firstPage{openDoor(c.Store)}
		},
	},
	{
		Name:      "delete-again",
		Mechanism: "A second DELETE removes what is removed already: its log, and whoever follows it, has the workspace end twice.",
		Breaks:    "event-iff-transition",
		Evidence:  "peer",
		config: func(c *controller.Config, _ Memory) {
			c.Store = loudDelete{openDoor(c.Store), c.Clock}
		},
	},
	{
		Name: "name-taken",
		Mechanism: "Names are unique among all workspaces, removed ones too, and an insert that meets one does nothing: whoever creates a " +
			"workspace again under its name gets 201, and there is none.",
		Breaks:    "reply-is-state",
		Evidence:  "peer",
		Remembers: true,
		config: func(c *controller.Config, m Memory) {
			c.Store = oneName{c.Store, m}
		},
	},
}
