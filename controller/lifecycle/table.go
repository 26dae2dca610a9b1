package lifecycle

import "sync"

// Edge is one row of the table: in status From, Event moves the workspace to To.
type Edge struct {
	Event Event
	From  Status
	To    Status
	Why   string
}

// standard is the one table. Nothing else in the controller may repeat what it says.
var standard = []Edge{
	{Create, None, Provisioning, "a request only records intent; the launcher acts on it"},
	{CreateExternal, None, Online, "its URL is known, so it is taken to run until it is silent"},
	{CreateAwaiting, None, AwaitingAgent, "the controller does not boot it, so no budget runs"},

	{Register, Provisioning, Online, "proof of life"},
	{Register, AwaitingAgent, Online, "proof of life"},
	{Register, Offline, Online, "it came back"},
	{Register, Failed, Online, "failed says not yet, and now it is"},

	{Beat, Provisioning, Online, "proof of life"},
	{Beat, AwaitingAgent, Online, "proof of life"},
	{Beat, Offline, Online, "it came back"},
	{Beat, Failed, Online, "failed says not yet, and now it is"},
	{Beat, Degraded, Online, "errors fell below 10% and nothing is wedged"},

	{BeatRough, Provisioning, Online, "proof of life"},
	{BeatRough, AwaitingAgent, Online, "proof of life"},
	{BeatRough, Offline, Online, "it came back"},
	{BeatRough, Failed, Online, "failed says not yet, and now it is"},

	{BeatSick, Provisioning, Online, "proof of life first; the next sick beat degrades it"},
	{BeatSick, AwaitingAgent, Online, "proof of life first; the next sick beat degrades it"},
	{BeatSick, Offline, Online, "proof of life first; the next sick beat degrades it"},
	{BeatSick, Failed, Online, "proof of life first; the next sick beat degrades it"},
	{BeatSick, Online, Degraded, "errors at or above 50%, or a wedged runtime"},

	{ProvisionTimeout, Provisioning, Failed, "no proof of life within the budget"},
	{LaunchFailed, Provisioning, Failed, "the cloud will never launch it as asked"},
	{BootstrapFailed, Provisioning, Failed, "a watcher of the boot reports it"},

	{Silence, Online, Offline, "no proof of life for the liveness TTL"},
	{Silence, Degraded, Offline, "no proof of life for the liveness TTL"},

	{Pause, Provisioning, Paused, "the operator's intent"},
	{Pause, AwaitingAgent, Paused, "the operator's intent"},
	{Pause, Online, Paused, "the operator's intent"},
	{Pause, Degraded, Paused, "the operator's intent"},
	{Pause, Offline, Paused, "the operator's intent"},
	{Pause, Failed, Paused, "the operator's intent"},
	{Resume, Paused, Provisioning, "a new incarnation boots"},
	{ResumeExternal, Paused, AwaitingAgent, "its agent has to call in again"},

	{Hibernate, Online, Hibernating, "the operator's intent"},
	{Hibernate, Degraded, Hibernating, "the operator's intent"},
	{MachineStopped, Hibernating, Hibernated, "its machine is gone"},
	{Wake, Hibernated, Provisioning, "a new incarnation boots"},

	{Restart, Provisioning, Provisioning, "a new incarnation boots; the old one's outcome no longer counts"},
	{Restart, Online, Provisioning, "a new incarnation boots"},
	{Restart, Degraded, Provisioning, "a new incarnation boots"},
	{Restart, Offline, Provisioning, "a new incarnation boots"},
	{Restart, Failed, Provisioning, "a new incarnation boots"},

	{Remove, Provisioning, Removed, "the operator's intent, for good"},
	{Remove, AwaitingAgent, Removed, "the operator's intent, for good"},
	{Remove, Online, Removed, "the operator's intent, for good"},
	{Remove, Degraded, Removed, "the operator's intent, for good"},
	{Remove, Offline, Removed, "the operator's intent, for good"},
	{Remove, Failed, Removed, "the operator's intent, for good"},
	{Remove, Paused, Removed, "the operator's intent, for good"},
	{Remove, Hibernating, Removed, "the operator's intent, for good"},
	{Remove, Hibernated, Removed, "the operator's intent, for good"},
}

// Table says which event moves which status where. It is immutable and safe for concurrent use.
type Table struct {
	edges []Edge
	next  [eventCount][statusCount]int16 // index into edges + 1; 0 where the event moves nothing
	text  func() string
}

// Standard returns the reference lifecycle.
func Standard() *Table { return theStandard }

var theStandard = newTable(standard)

func newTable(edges []Edge) *Table {
	t := &Table{edges: append([]Edge(nil), edges...)}
	t.text = sync.OnceValue(t.render)
	for i, e := range t.edges {
		t.next[e.Event][e.From] = int16(i + 1)
	}
	return t
}

// Edges returns the table's rows in their written order.
func (t *Table) Edges() []Edge { return append([]Edge(nil), t.edges...) }

// Next returns where the event moves a workspace in status from, and whether it moves it at all. An edge may lead back
// to its own status (a restart of a booting workspace): it still is a transition, since the incarnation changes.
func (t *Table) Next(event Event, from Status) (Status, bool) {
	if int(event) >= eventCount || int(from) >= statusCount {
		return from, false
	}
	i := t.next[event][from]
	if i == 0 {
		return from, false
	}
	return t.edges[i-1].To, true
}

// From returns the statuses that the event moves, in the order of the table.
func (t *Table) From(event Event) []Status {
	var from []Status
	for _, e := range t.edges {
		if e.Event == event {
			from = append(from, e.From)
		}
	}
	return from
}

// Without returns a copy that lacks the edge of the event out of the status; it is the same table where there is none.
func (t *Table) Without(event Event, from Status) *Table {
	var kept []Edge
	for _, e := range t.edges {
		if e.Event != event || e.From != from {
			kept = append(kept, e)
		}
	}
	return newTable(kept)
}

// With returns a copy in which the edge stands, in place of any other of the same event and status.
func (t *Table) With(edge Edge) *Table {
	return newTable(append(t.Without(edge.Event, edge.From).edges, edge))
}
