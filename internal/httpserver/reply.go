package httpserver

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// safe is the longest body that no client of net/http loses: with its header, it fits into the 4 KB that such a client reads
	// at once.
	safe = 3584
	// longest is how much of a reply is kept back to be compressed.
	longest = 256 << 10
	// hold is how long a reply that isn't safe waits.
	hold = 10 * time.Millisecond
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
	if complete && len(w.kept) > safe && accepts(w.request) && w.Header().Get("Content-Encoding") == "" {
		w.kept = compress(w.kept)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		w.Header().Set("Content-Length", strconv.Itoa(len(w.kept)))
	}
	if !complete || len(w.kept) > safe {
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
