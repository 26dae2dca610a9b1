package endpoints

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/bootrace/bootrace/internal/httpserver"
)

// grace is how long replies that are being written may take to end. Those that are waited for end at once.
const grace = 10 * time.Second

// Serve serves each handler on its listener until the context is done, or one of them fails, and closes the listeners. It
// returns when nothing of it runs any more; the error is nil where it was the context that ended it. Complaints about
// clients go to the log, or nowhere where that is nil.
func Serve(ctx context.Context, on map[net.Listener]http.Handler, complaints *log.Logger) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	var mu sync.Mutex
	var problems []error
	if complaints == nil {
		complaints = log.New(io.Discard, "", 0)
	}
	for listener, handler := range on {
		// No bound on writing: a preflight takes what it takes. It ends with the context of its request.
		server := httpserver.New(handler)
		server.ErrorLog = complaints
		server.BaseContext = func(net.Listener) context.Context { return ctx }
		all.Go(func() {
			defer stop() // one that fails ends the others
			if err := serveOne(ctx, server, listener); err != nil {
				mu.Lock()
				problems = append(problems, err)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return errors.Join(problems...)
}

func serveOne(ctx context.Context, server *http.Server, listener net.Listener) error {
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		server.Close() //nolint:errcheck // what is said below matters more
		return fmt.Errorf("serving on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if server.Shutdown(late) != nil {
		server.Close() //nolint:errcheck // the connections are cut off; there is nothing left to be done about them
	}
	<-served //nolint:errcheck // it says that the server was shut down
	return nil
}
