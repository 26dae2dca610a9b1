package operator

import (
	"net/http"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
)

// listing asks for all workspaces.
var listing = agent.Request{Call: "list", Method: http.MethodGet, Path: wire.PathWorkspaces}

// List returns what the operator is shown of all workspaces, in the order of the reply, or false where nothing is.
func (o Operator) List() ([]wire.Workspace, bool) {
	var all []wire.Workspace
	r, err := o.Call(listing)
	if err != nil || r.Code != http.StatusOK {
		return nil, false
	}
	return all, jsonv2.Unmarshal(r.Body, &all) == nil
}

// StateOf is the request for the state of the workspace of the id.
func StateOf(id string) agent.Request {
	return agent.Request{Call: "state", Method: http.MethodGet, Path: wire.PathWorkspaces + "/" + id + "/state"}
}

// Feed returns what the events feed shows, newest first as the reply has it, or false where nothing is shown.
func (o Operator) Feed() ([]wire.Event, bool) {
	var all []wire.Event
	r, err := o.Call(agent.Request{Call: "events", Method: http.MethodGet, Path: wire.PathEvents})
	if err != nil || r.Code != http.StatusOK {
		return nil, false
	}
	return all, jsonv2.Unmarshal(r.Body, &all) == nil
}

// Fed returns the reading of an entry of a feed that was asked for at the time; a word that nobody knows is left in its Data.
func Fed(e wire.Event, sent history.Time, epoch time.Time, number int) history.Event {
	r := history.Event{
		Kind: history.Reading, Call: "events", Sent: sent, WS: number, Inc: e.Payload.Incarnation, Cause: e.Payload.Cause,
		Logged: history.Time(e.CreatedAt.Sub(epoch)),
	}
	var odd history.Fields
	if r.Event.UnmarshalText([]byte(e.Payload.Event)) != nil {
		odd.Add("event", e.Payload.Event)
	}
	if r.From.UnmarshalText([]byte(e.Payload.From)) != nil {
		odd.Add("from", e.Payload.From)
	}
	if r.To.UnmarshalText([]byte(e.Payload.To)) != nil {
		odd.Add("to", e.Payload.To)
	}
	if e.EventType != wire.EventType(e.Payload.To) {
		odd.Add("event_type", e.EventType)
	}
	r.Data = odd.String()
	return r
}

// Listed returns the readings of a list that was asked for at the time: first of whom it shows that is nobody's, then of every
// workspace that has a row, in order, whether the list shows it or not. The number of a row is that of its workspace, negative for
// a twin, and 0 where it is nobody's. Times that the list shows are since the epoch.
func Listed(all []wire.Workspace, sent history.Time, epoch time.Time, number func(id uuid.UUID, name string) int, rows []int) []history.Event {
	var readings []history.Event
	shown := map[int]wire.Workspace{}
	add := func(n int, there wire.Workspace) {
		e := history.Event{Kind: history.Reading, WS: n, Call: listing.Call, Sent: sent, Cause: there.FailureCause}
		if there.ID != "" {
			e.Data = Shown(&there, epoch)
		}
		if there.ID == "" || e.To.UnmarshalText([]byte(there.Status)) == nil {
			readings = append(readings, e)
		}
	}
	for _, there := range all {
		id, err := uuid.Parse(there.ID)
		if err != nil {
			continue
		}
		if n := number(id, there.Name); n == 0 {
			add(0, there)
		} else {
			shown[n] = there
		}
	}
	for _, n := range rows {
		add(n, shown[n])
	}
	return readings
}
