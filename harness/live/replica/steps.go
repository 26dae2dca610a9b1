package replica

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness/intercept"
)

// errStore is what a failing store says. It does not tell whether the operation took effect, as a lost connection
// would not.
var errStore = errors.New("store: connection lost")

// steps asks the harness about steps into the store.
type steps struct {
	config Config
	client *http.Client
}

// around returns the store with the harness standing on the way to it.
func (s *steps) around(inner store.Store) store.Store {
	return &intercept.Store{
		Inner: inner,
		Before: func(ctx context.Context, op string) (context.Context, error) {
			if s.ask(ctx, op, false) {
				return nil, errStore
			}
			return ctx, ctx.Err()
		},
		After: func(ctx context.Context, op string, err error) error {
			if s.ask(ctx, op, true) {
				return errStore
			}
			return err
		},
	}
}

// ask waits for as long as the harness says, and reports whether the step fails.
func (s *steps) ask(ctx context.Context, op string, done bool) bool {
	t := taskOf(ctx)
	sentence, err := s.post(Step{Replica: s.config.Number, Op: op, Done: done, Task: t.name, Workspace: t.workspace})
	if err != nil {
		return false // the harness is gone, and this process is about to be
	}
	time.Sleep(sentence.Wait)
	return sentence.Fails
}

func (s *steps) post(step Step) (out Sentence, err error) {
	body, err := json.Marshal(step)
	if err != nil {
		return out, err
	}
	r, err := s.client.Post(s.config.Steps, "application/json", bytes.NewReader(body)) //nolint:noctx // the answer is the end of a fault, or of this process
	if err != nil {
		return out, err
	}
	defer r.Body.Close() //nolint:errcheck // it is read
	if r.StatusCode != http.StatusOK {
		return out, fmt.Errorf("replica: asking about a step: %s", r.Status)
	}
	return out, json.NewDecoder(r.Body).Decode(&out)
}
