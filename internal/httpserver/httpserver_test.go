package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/internal/httpserver"
)

func TestMain(m *testing.M) {
	httpserver.Patience(200 * time.Millisecond)
	goleak.VerifyTestMain(m)
}

// serve serves the handler and returns the address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpserver.New(h)
	server.Start()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestStalledBodiesAreCut(t *testing.T) {
	t.Parallel()
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/reads" {
			_, err := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, err)
		}
	}))
	for _, path := range []string{"/reads", "/doesn't"} {
		for range 10 {
			c, err := net.Dial("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf", path)
			c.SetReadDeadline(time.Now().Add(time.Minute))
			if text, err := io.ReadAll(c); err != nil { // it comes to an end: the server has closed the connection
				t.Errorf("%s: %q, then %v", path, text, err)
			}
		}
	}
}

// Once the body is there, a handler takes what it takes, and its context goes on.
func TestSlowHandlersAreNotCut(t *testing.T) {
	t.Parallel()
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			http.Error(w, "the context ended", http.StatusInternalServerError)
		case <-time.After(600 * time.Millisecond): // short: three times what a body may take; a longer one shows no more
		}
	}))
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 2 { // the second has the same connection
		r := post(t, client, address, "/", nil)
		if r.status != http.StatusOK {
			t.Errorf("status %d", r.status)
		}
	}
}

// answer is a reply that has been read.
type answer struct {
	status     int
	body       string
	compressed bool
}

func post(t *testing.T, client *http.Client, address, path string, header http.Header) answer {
	t.Helper()
	q, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address+path, strings.NewReader("a body"))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		q.Header[name] = values
	}
	q.Host = header.Get("Host")
	r, err := client.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{r.StatusCode, string(body), r.Uncompressed}
}

// A long reply is what it was, with and without compression, and when it is written in pieces.
func TestRepliesArriveWhole(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("a reply that says the same again and again. ", 4) + "\n"
	sizes := map[string]int{"/empty": 0, "/short": 1, "/long": 100, "/longest": 3000}
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusAccepted)
		for i := range sizes[r.URL.Path] {
			io.WriteString(w, line)
			if r.URL.RawQuery == "flush" && i%7 == 0 {
				http.NewResponseController(w).Flush()
			}
		}
	}))
	for name, header := range map[string]http.Header{
		"plain": {"Accept-Encoding": {"identity"}}, "compressed": nil, "refused": {"Accept-Encoding": {"gzip;q=0"}},
	} {
		client := &http.Client{Transport: &http.Transport{}}
		for path, lines := range sizes {
			for _, query := range []string{"", "?flush"} {
				r := post(t, client, address, path+query, header)
				if r.status != http.StatusAccepted || r.body != strings.Repeat(line, lines) {
					t.Errorf("%s %s%s: status %d, %d bytes, not %d", name, path, query, r.status, len(r.body), lines*len(line))
				}
				if want := name == "compressed" && path == "/long" && query == ""; r.compressed != want {
					t.Errorf("%s %s%s: compressed %t", name, path, query, r.compressed)
				}
			}
		}
		client.CloseIdleConnections()
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	address := serve(t, httpserver.Closed(httpserver.JSONOnly(ok, true), []string{"fakes.internal"}))
	_, port, _ := net.SplitHostPort(address)
	json := "application/json; charset=utf-8"
	for _, c := range []struct {
		host, origin, kind string
		want               int
	}{
		{address, "", json, 200},
		{"localhost:" + port, "", json, 200},
		{"a.LOCALHOST.", "", json, 200},
		{"[::1]:80", "", json, 200},
		{"Fakes.internal:8090", "", json, 200},
		{address, "http://" + address, json, 200},
		{"evil.example", "", json, 403},
		{"evil.example", "http://evil.example", json, 403}, // a name that points here
		{"localhost.evil.example:" + port, "", json, 403},
		{"10.1.2.3:" + port, "", json, 403},
		{address, "http://evil.example", json, 403},
		{address, "null", json, 403},
		{address, "", "text/plain", 415},
		{address, "", "", 415},
		{address, "", "application/x-www-form-urlencoded", 415},
	} {
		client := &http.Client{Transport: &http.Transport{}}
		header := http.Header{"Host": {c.host}, "Content-Type": {c.kind}}
		if c.origin != "" {
			header.Set("Origin", c.origin)
		}
		if r := post(t, client, address, "/", header); r.status != c.want {
			t.Errorf("%+v: status %d", c, r.status)
		}
		client.CloseIdleConnections()
	}
}

// What is sent in one go is what a client reads together with the header.
func TestSafeRepliesComeAtOnce(t *testing.T) {
	t.Parallel()
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for range 800 {
			io.WriteString(w, "a reply of a few words. ")
		}
	}))
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST / HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx")
	buffer := bufio.NewReaderSize(c, 4096)
	r, err := http.ReadResponse(buffer, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if int64(buffer.Buffered()) != r.ContentLength {
		t.Errorf("%d of %d bytes came with the header", buffer.Buffered(), r.ContentLength)
	}
}
