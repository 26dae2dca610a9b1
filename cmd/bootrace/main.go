// Command bootrace proves, or refutes with a replayable counterexample, that every workspace whose agent heartbeats
// converges to online.
//
// Each command is one small file here; what it does stands in the packages below.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/bootrace/bootrace/harness/generate"
)

// cli is the command line.
type cli struct {
	Run          runCmd          `cmd:"" help:"Play scenarios against the reference controller and judge what happens."`
	Replay       replayCmd       `cmd:"" help:"Play a kept run again and compare the digests."`
	Check        checkCmd        `cmd:"" help:"Play generated plans until one breaks an invariant, then make it small and explain it."`
	Explore      exploreCmd      `cmd:"" help:"Search every interleaving of a small world."`
	Judge        judgeCmd        `cmd:"" help:"Judge a kept run again by the invariants of this version."`
	Target       targetCmd       `cmd:"" help:"Probe a controller that you run, or delete what a run has left there."`
	Dialects     dialectsCmd     `cmd:"" help:"List, show and validate dialects, or print their JSON Schema."`
	Scenarios    scenariosCmd    `cmd:"" help:"List, show and validate scenarios, or print their JSON Schema."`
	Defects      defectsCmd      `cmd:"" help:"List the named defects of the reference controller."`
	Invariants   invariantsCmd   `cmd:"" help:"List what must hold of every run."`
	States       statesCmd       `cmd:"" help:"Print the lifecycle of a workspace: the table, or a Mermaid diagram."`
	Controller   controllerCmd   `cmd:"" help:"Serve the reference controller."`
	Agent        agentCmd        `cmd:"" help:"Run the agent of one workspace: LLM preflight, register, heartbeats."`
	Fakeprovider fakeproviderCmd `cmd:"" help:"Serve a fake cloud and fake LLM providers: the EC2 wire, a control plane's, and preflight endpoints."`
	Cloud        cloudCmd        `cmd:"" help:"List and reap machines on EC2, or containers."`
	Doctor       doctorCmd       `cmd:"" help:"Show what this machine has that bootrace can use, and what to install."`
	Completion   completionCmd   `cmd:"" help:"Print the script that enables completion in a shell."`
	Version      versionCmd      `cmd:"" help:"Print the version."`

	LiveController liveControllerCmd `cmd:"" hidden:"" help:"A controller of a live run: for bootrace itself."`
	LiveAgent      liveAgentCmd      `cmd:"" hidden:"" help:"A machine of a live run: for bootrace itself."`
	LiveSignal     liveSignalCmd     `cmd:"" hidden:"" help:"Signals the agent of a live run's container: for bootrace itself."`
}

const description = `bootrace proves, or refutes with a replayable counterexample, that every workspace whose agent heartbeats
converges to online: however slow its cold boot is, whatever the sweepers, the network, the database, the cloud and the
operator do in the meantime.

  bootrace run                            every built-in scenario on real Postgres, in virtual time
  bootrace run minimax-past-budget        one of them
  bootrace run my-scenario.yaml           your own
  bootrace run --world live               the same suite on wall-clock time, with real processes, sixty times faster
  bootrace run --defect sticky-failed     the same suite against a controller that has the seed defect
  bootrace replay runs/latest             the same run again, to the byte

Exit codes: 0 held; 1 violated; 10 inconclusive; 20 bad scenario or usage; 30 environment or harness fault;
130 interrupted.`

// streams are where a command writes.
type streams struct {
	out, err io.Writer
	color    bool // out is a terminal, and nobody asked for plain text
	liveErr  bool // err is a terminal
}

func main() {
	// Whoever reads what we write may have seen enough, as head has. The write must fail then, and not end the program:
	// what it has started is still to be stopped.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(os.Args[1:], streams{os.Stdout, os.Stderr, colorful(os.Stdout), colorful(os.Stderr)}))
}

// run carries out a command line and returns the exit code.
func run(args []string, s streams) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C is the system's to handle: it ends the program at once
	out := &output{to: s.out, broken: stop}
	s.out = out
	return codeOf(out.judge(carryOut(ctx, args, s)), s)
}

func carryOut(ctx context.Context, args []string, s streams) error {
	parser, err := kong.New(new(cli),
		kong.Name("bootrace"), kong.Description(description), kong.Writers(s.out, s.err),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.Exit(func(int) { panic(answered{}) }),
		kong.Vars{"strategy": generate.Portfolios()[0], "strategies": strings.Join(generate.Portfolios(), ",")},
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s),
	)
	if err != nil {
		return environment(err)
	}
	if len(args) == 0 && !completing() {
		// Nothing was asked for, so nothing was proved: the help, and no success.
		parser.Stdout = s.err
		_, err := parse(parser, []string{"--help"})
		return exitError{code: exitUsage, err: err}
	}
	k, err := parse(parser, args)
	switch {
	case err != nil:
		return misused(err)
	case k == nil:
		return nil
	}
	return k.Run()
}

// answered ends the parsing where that has said all that was asked for: the help, or a completion.
type answered struct{}

// parse reads the command line. It returns nil where there is nothing left to run.
func parse(parser *kong.Kong, args []string) (k *kong.Context, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case answered:
			k, err = nil, nil
		default:
			panic(p)
		}
	}()
	complete(parser)
	return parser.Parse(args)
}
