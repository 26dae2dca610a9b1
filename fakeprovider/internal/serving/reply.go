package serving

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// hangFor bounds how long a reply that never comes keeps its connection, should the client never give up.
const hangFor = 10 * time.Minute

// Reply is an answer to a call.
type Reply struct {
	Status int
	Type   string      // of the body
	Header http.Header // beside the type and length of the body; may be nil
	Body   []byte
}

// Loss is how a reply is kept from its client.
type Loss uint8

// The ways in which replies get lost.
const (
	Kept   Loss = iota // it is not
	Closed             // the connection is closed instead
	Cut                // the connection is closed after half of the body
	Empty              // 200, and no body
	Hang               // nothing comes, until the client gives up
)

// Deliver sends the reply, or what is left of it. It panics with [http.ErrAbortHandler] where it has to close the
// connection, which is how net/http is told to.
func (o Reply) Deliver(w http.ResponseWriter, r *http.Request, loss Loss) {
	switch loss {
	case Closed:
		panic(http.ErrAbortHandler)
	case Cut:
		o.head(w)
		_, _ = w.Write(o.Body[:len(o.Body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case Empty:
		o.Status, o.Body = http.StatusOK, nil
		o.send(w)
	case Hang:
		Wait(r.Context(), hangFor)
		panic(http.ErrAbortHandler)
	default:
		o.send(w)
	}
}

func (o Reply) send(w http.ResponseWriter) {
	o.head(w)
	_, _ = w.Write(o.Body) // a client that has gone away is no problem of ours
}

func (o Reply) head(w http.ResponseWriter) {
	h := w.Header()
	for name, values := range o.Header {
		h[name] = values
	}
	h.Set("Content-Type", o.Type)
	h.Set("Content-Length", strconv.Itoa(len(o.Body)))
	w.WriteHeader(o.Status)
}

// Wait waits for so long by the machine's clock, and reports false where the context ended first.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
