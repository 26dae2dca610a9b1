package machine

import (
	"io"
	"os"
	"strconv"
	"time"

	"github.com/bootrace/bootrace/controller/wire"
	"github.com/bootrace/bootrace/harness/agent"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/live/caller"
)

// Run is the program of a machine's process. It returns when the boot died or the agent has stopped.
func Run(stdin io.Reader, stdout io.Writer) error {
	var c Config
	metadata := os.Getenv(EnvMetadata)
	switch {
	case metadata != "" && os.Getpid() == 1:
		return supervise(stdout)
	case metadata != "":
		leakWhenTold()
		if c = told(metadata); c.Starved {
			leak()
		}
	default:
		if err := child.Configure(stdin, &c); err != nil {
			return err
		}
	}
	m := &machine{
		contained: metadata != "",
		Config:    c, out: child.NewReporter(stdout), id: os.Getenv(wire.EnvWorkspaceID),
		caller: caller.New(os.Getenv(wire.EnvPlatformURL), c.Speed, history.ActorAgent, c.Workspace, c.Inc),
	}
	if n, _ := strconv.Atoi(os.Getenv(envStart)); n > 1 { // there is none outside of containers
		m.Launched = time.Now()
		m.report(Again, "")
	}
	// Timers alone: there are hundreds of these programs, which do next to nothing but wait.
	meter := hiccup.Start(hiccup.Options{Report: func(w hiccup.Window) {
		m.out.Report(Report{Kind: Slow, At: time.Now(), Window: &w})
	}})
	defer meter.Close()
	if c.Awake || m.boot() {
		m.live(os.Getenv(wire.EnvToken))
	}
	return nil
}

type machine struct {
	Config
	contained bool // it is a container
	out       *child.Reporter
	id        string // the workspace's
	caller    *caller.Caller
	started   time.Time
	naps      int
}

func (m *machine) report(kind, phase string) {
	m.out.Report(Report{Kind: kind, At: time.Now(), Phase: phase})
}

// pass lets so much of the contract's time pass.
func (m *machine) pass(d time.Duration) { time.Sleep(time.Duration(float64(d) / m.Speed)) }

// until waits until so much of the contract's time has passed since the launch.
func (m *machine) until(d time.Duration) {
	time.Sleep(time.Until(m.Launched.Add(time.Duration(float64(d) / m.Speed))))
}

// boot goes through the phases of the cold boot, and reports false where it dies in one.
func (m *machine) boot() bool {
	for _, phase := range []struct {
		name, done string
		run        func()
	}{
		{"image_pull", history.ImagePulled, func() { m.until(time.Duration(m.Boot.ImagePull)) }},
		{"agent_start", history.AgentStarted, func() { m.until(time.Duration(m.Boot.ImagePull + m.Boot.AgentStart)) }},
		{"preflight", history.PreflightDone, m.preflight},
	} {
		phase.run()
		if m.Boot.Dies == phase.name {
			m.report(Booting, history.BootDied)
			return false
		}
		m.report(Booting, phase.done)
	}
	return true
}

// live is the agent's life.
func (m *machine) live(token string) {
	m.started = time.Now()
	m.report(Agent, history.Started)
	agent.Run(m, agent.Config{
		WorkspaceID: m.id, Token: token, Interval: time.Duration(m.Interval), URL: m.URL, SkipRegister: m.SkipRegister,
		Swallow: m.Swallow, IgnoresGone: m.IgnoresGone,
	})
	m.report(Agent, history.Ended)
}

// Sleep implements agent.World.
func (m *machine) Sleep(d time.Duration) bool {
	m.pass(d)
	m.naps++
	return m.Naps == 0 || m.naps < m.Naps
}

// Call implements agent.World. What no gateway sees, since the machine is off its network, only the machine can tell.
func (m *machine) Call(q agent.Request) (agent.Response, error) {
	sent := time.Now()
	r, err := m.caller.Call(q)
	if err != nil && m.contained {
		m.out.Report(Report{Kind: Unanswered, At: time.Now(), Call: q.Call, Sent: sent})
	}
	return r, err
}

// Report implements agent.World.
func (m *machine) Report() agent.Report {
	now := time.Now()
	for _, s := range m.Sick {
		if !now.Before(s.From) && now.Before(s.Until) {
			m.out.Report(Report{Kind: Struck, At: now, Fault: s.Fault})
			return agent.Report{ErrorRate: 0.8, SampleError: "the provider answers nonsense"}
		}
	}
	if m.ErrorPercent > 0 {
		return agent.Report{ErrorRate: float64(m.ErrorPercent) / 100, SampleError: "some of its calls fail"}
	}
	return agent.Report{ActiveTasks: m.Tasks}
}

// Uptime implements agent.World.
func (m *machine) Uptime() time.Duration {
	return time.Duration(float64(time.Since(m.started)) * m.Speed)
}
