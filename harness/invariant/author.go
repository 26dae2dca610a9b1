package invariant

import (
	"slices"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

// The ticks of the reference controller, as histories name them.
const (
	launcher       = "launcher"
	provisionSweep = "provision-sweep"
	livenessSweep  = "liveness-sweep"
	orphanSweep    = "orphan-sweep"
)

// tickNames are how sentences speak of the ticks of the reference controller.
var tickNames = map[string]string{
	provisionSweep: "the provision-timeout sweeper", livenessSweep: "the liveness sweeper",
	orphanSweep: "the orphan sweeper", launcher: "the launcher",
}

// operatorCalls are the calls that only operators make, for histories that do not say who called.
var operatorCalls = []string{
	"create", "delete", "restart", "pause", "resume", "wake", "hibernate", "bootstrap-failed",
}

// tick names a tick for a sentence.
func tick(name string) string {
	if known, ok := tickNames[name]; ok {
		return known
	}
	return "the tick " + name
}

// whom names who made a move, for a sentence: as the world recorded it. What was not recorded is told from what the log says
// that happened, where only one of the contract's ticks does that; otherwise the writer is unknown.
func whom(m *history.Event, e lifecycle.Event) string {
	_, isTick := tickNames[m.By]
	switch {
	case m.By == "":
		switch e {
		case lifecycle.ProvisionTimeout:
			return tickNames[provisionSweep]
		case lifecycle.Silence:
			return tickNames[livenessSweep]
		case lifecycle.NoEvent:
			return "an unknown writer"
		default:
			return "an unknown writer, by " + e.String() + ","
		}
	case m.Actor == history.ActorIntruder:
		return "an intruder's " + m.By
	case m.Actor == history.ActorTick || isTick:
		return tick(m.By)
	case m.Actor == history.ActorAgent || m.By == "heartbeat" || m.By == "register":
		return "the " + m.By + " handler"
	case m.Actor == history.ActorOperator || m.Actor == "" && slices.Contains(operatorCalls, m.By):
		return "the operator's " + m.By
	case m.Actor != "":
		return "the " + m.Actor + "'s " + m.By
	default:
		return "an unknown writer (" + m.By + ")"
	}
}
