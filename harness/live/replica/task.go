package replica

import (
	"context"
	"net/http"
	"strconv"

	"github.com/bootrace/bootrace/harness/live/caller"
)

// task is what the process is at: an HTTP call, with the number and incarnation of the workspace whose agent calls, or a
// tick.
type task struct {
	name        string
	workspace   int
	incarnation int
}

type taskKey struct{}

func within(ctx context.Context, t task) context.Context { return context.WithValue(ctx, taskKey{}, t) }

func taskOf(ctx context.Context) task {
	t, _ := ctx.Value(taskKey{}).(task)
	return t
}

// speaker is how the task introduces itself to the database.
func speaker(ctx context.Context) string {
	t := taskOf(ctx)
	if t.incarnation == 0 {
		return t.name
	}
	return t.name + " " + strconv.Itoa(t.incarnation)
}

// introduced gives each request's context its task, and reports panics.
func introduced(next http.Handler, panicked func(by string, p any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := task{name: r.Header.Get(caller.HeaderCall)}
		t.workspace, _ = strconv.Atoi(r.Header.Get(caller.HeaderWorkspace)) // 0 where the gateway does not know
		t.incarnation, _ = strconv.Atoi(r.Header.Get(caller.HeaderIncarnation))
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
				panicked(t.name, p)
				panic(http.ErrAbortHandler) // the caller sees the connection close, as with any server
			}
		}()
		next.ServeHTTP(w, r.WithContext(within(r.Context(), t)))
	})
}
