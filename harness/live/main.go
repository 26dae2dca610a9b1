package live

import (
	"context"
	"fmt"
	"io"
	"os"

	machines "github.com/bootrace/bootrace/harness/live/machine"
	replicas "github.com/bootrace/bootrace/harness/live/replica"
)

// Main is what a program does that was started for a part of a run: by the name of one of the hidden commands.
func Main(ctx context.Context, command string, stdin io.Reader, stdout, stderr io.Writer) error {
	switch command {
	case CommandController:
		return replicas.Run(ctx, stdin, stdout, stderr)
	case CommandAgent:
		return machines.Run(stdin, stdout)
	case CommandSignal:
		return machines.Signal(os.Args[len(os.Args)-1])
	default:
		return fmt.Errorf("live: %q is no part of a run", command)
	}
}
