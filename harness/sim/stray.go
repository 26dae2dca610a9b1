package sim

import (
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
)

// stray starts an agent for an id that nobody created: one whose controller lost its database, or that was told the
// wrong address.
func (w *world) stray() {
	var id uuid.UUID
	if _, err := io.ReadFull(oracle.Reader{Oracle: w.oracle}, id[:]); err != nil {
		panic(err) // an oracle always answers
	}
	process := w.process("stray agent")
	s := &stray{world: w, caller: w.newCaller(history.ActorAgent, 0, 0)}
	process.Go("agent", func() {
		agent.Run(s, agent.Config{WorkspaceID: id.String(), Interval: w.plan.Settings.Heartbeat(), URL: "http://stray.internal:8000"})
	})
}

// strayBeats is how often a stray agent beats before somebody notices and stops it.
const strayBeats = 5

// stray is where a stray agent lives.
type stray struct {
	world  *world
	caller *caller
	slept  int
}

// Sleep implements agent.World.
func (s *stray) Sleep(d time.Duration) bool {
	s.world.sched.Sleep(d)
	s.slept++
	return s.slept < strayBeats
}

// Call implements agent.World.
func (s *stray) Call(q agent.Request) (agent.Response, error) { return s.caller.call(q) }

// Report implements agent.World.
func (*stray) Report() agent.Report { return agent.Report{} }

// Uptime implements agent.World.
func (*stray) Uptime() time.Duration { return 0 }
