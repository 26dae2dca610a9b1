package httpserver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// atOnce is how much a client of net/http reads at once, and overhead what a server of net/http puts in front of a reply's own
	// header, in bytes: what fits is never lost.
	atOnce   = 4 << 10
	overhead = 128
	// longest is how much of a reply is kept back to be compressed.
	longest = 256 << 10
	// hold is how long a reply that doesn't fit waits: about what a quick call of the real EC2 takes.
	hold = 20 * time.Millisecond
)

// wholeReply keeps a reply until it is whole, so that it can be sent in a form that is safe.
type wholeReply struct {
	http.ResponseWriter
	request *http.Request
	status  int
	kept    []byte
	through bool // what is written goes to the client at once
}

// Unwrap serves http.ResponseController.
func (w *wholeReply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *wholeReply) WriteHeader(status int) {
	switch {
	case w.through || status < http.StatusOK:
		w.ResponseWriter.WriteHeader(status)
	case w.status == 0:
		w.status = status
	}
}

// Write implements http.ResponseWriter.
func (w *wholeReply) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if !w.through && len(w.kept)+len(p) <= longest {
		w.kept = append(w.kept, p...)
		return len(p), nil
	}
	if err := w.pass(false); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (w *wholeReply) Flush() { _ = w.FlushError() }

// FlushError is Flush for http.ResponseController.
func (w *wholeReply) FlushError() error {
	if err := w.pass(false); err != nil {
		return err
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// pass sends what is kept; complete says that it is all of the reply.
func (w *wholeReply) pass(complete bool) error {
	if w.through {
		return nil
	}
	w.through = true
	if complete && !w.fits() && accepts(w.request) && w.Header().Get("Content-Encoding") == "" {
		w.kept = compress(w.kept)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		w.Header().Set("Content-Length", strconv.Itoa(len(w.kept)))
	}
	if !complete || !w.fits() {
		w.wait()
	}
	if w.status != 0 {
		w.ResponseWriter.WriteHeader(w.status)
	}
	if len(w.kept) == 0 {
		return nil
	}
	_, err := w.ResponseWriter.Write(w.kept)
	return err
}

// fits reports whether a client reads all of the reply at once.
func (w *wholeReply) fits() bool {
	size := overhead + len(w.kept)
	for name, values := range w.Header() {
		for _, value := range values {
			size += len(name) + len(value) + len(": \r\n")
		}
	}
	return size <= atOnce
}

// wait gives the client time. One that lost a reply already, and says so as SDKs do, gets more of it.
func (w *wholeReply) wait() {
	timer := time.NewTimer(hold << (2 * min(attempt(w.request)-1, 2)))
	defer timer.Stop()
	select {
	case <-w.request.Context().Done():
	case <-timer.C:
	}
}

// attempt is which try of its call the request is.
func attempt(r *http.Request) int {
	for part := range strings.SplitSeq(r.Header.Get("Amz-Sdk-Request"), ";") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(part), "attempt="); ok {
			if n, err := strconv.Atoi(value); err == nil && n >= 1 {
				return n
			}
		}
	}
	return 1
}
