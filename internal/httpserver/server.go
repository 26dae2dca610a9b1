package httpserver

import (
	"context"
	"io"
	"net/http"
	"time"
)

// How long a client may take to send its request.
const (
	HeaderPatience = 5 * time.Second
	BodyPatience   = 15 * time.Second
)

var bodyPatience = BodyPatience // tests have less

// New returns a server of the handler. The caller sets its log and its context, and serves.
func New(h http.Handler) *http.Server {
	return &http.Server{
		Handler: Handler(h), ReadHeaderTimeout: HeaderPatience, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
}

// Handler is what [New] has in front of a handler.
func Handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := sameOrigin(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		Serve(w, r, h.ServeHTTP)
	})
}

// Serve calls the handler with what [Handler] does for bodies and replies, but for the check of where the request comes from. It
// changes nothing where the request comes from no server, as in a test or a simulation, or has been through here already.
//
// The reply to a request with a body waits until it is whole, and is sent so that the client can read all of it at once: compressed
// if need be and the client takes it. The reason is a defect of smithy-go, of which clients of aws-sdk-go-v2 are made. They close
// a request's body when they have the reply's header, and their body's WriteTo then returns io.EOF, which an io.WriterTo must not.
// net/http's write loop looks once more whether the body has ended when all of it was sent. Where the header overtakes that look,
// the write loop takes io.EOF for a failure and closes the connection, and what the client hasn't read by then is lost: all that
// doesn't fit into its buffer of 4 KB. Nothing on the wire tells when a client's write loop has ended, so a reply that doesn't fit
// even when it is compressed can only be held for a moment, and for longer where the client says that it tries again: a client that
// tries three times, as SDKs do, loses nothing unless its processors are taken from it for a third of a second.
func Serve(w http.ResponseWriter, r *http.Request, h http.HandlerFunc) {
	if r.Context().Value(served{}) != nil || r.Body == nil || r.Body == http.NoBody || r.Context().Value(http.ServerContextKey) == nil {
		h(w, r)
		return
	}
	body := &limitedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	// Where the connection knows no deadlines, as those of some tests, nobody stalls either.
	_ = body.control.SetReadDeadline(time.Now().Add(bodyPatience))
	whole := &wholeReply{ResponseWriter: w, request: r}
	r = r.WithContext(context.WithValue(r.Context(), served{}, true)) // and a copy: the server looks after its own body
	r.Body = body
	h(whole, r)
	_ = whole.pass(true) // a client that has gone away is no problem of ours
}

// served is the context's key of requests that have been through Serve.
type served struct{}

// limitedBody is a request's body that has to arrive in time.
type limitedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		// The deadline is the connection's: past the body, it would end the handler's context.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
