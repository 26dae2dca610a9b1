package child

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// orphaned is the exit code of a child whose parent is gone.
const orphaned = 3

// Configure reads the child's configuration from its standard input, and from then on ends the program when that ends.
func Configure(stdin io.Reader, config any) error {
	decoder := json.NewDecoder(stdin)
	if err := decoder.Decode(config); err != nil {
		return fmt.Errorf("child: reading the configuration: %w", err)
	}
	go func() {
		io.Copy(io.Discard, stdin) //nolint:errcheck // however it ends
		os.Exit(orphaned)
	}()
	return nil
}

// Reporter writes what a child reports.
type Reporter struct {
	mu sync.Mutex
	w  io.Writer
}

// NewReporter returns one that writes to the child's standard output.
func NewReporter(stdout io.Writer) *Reporter { return &Reporter{w: stdout} }

// Report writes one value as a line. When it returns the parent will hear it, whatever becomes of the child.
func (r *Reporter) Report(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		panic(err) // the harness's own reports always marshal
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.w.Write(append(line, '\n')); err != nil {
		os.Exit(orphaned) // nobody listens
	}
}
