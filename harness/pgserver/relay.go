//go:build unix

package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// relay stands between embedded-postgres and the repository that it downloads from. The library knows no context, no
// progress, and drops the reason why a download fails; the relay, a server on the loopback interface for as long as one
// download, has all three.
type relay struct {
	upstream string // without credentials, to be shown
	base     string
	ctx      context.Context //nolint:containedctx // the library, by way of which requests come, knows none
	opts     Options
	client   *http.Client

	listener net.Listener
	server   *http.Server
	served   sync.WaitGroup

	mu  sync.Mutex
	err error // the first thing that went wrong
}

func newRelay(ctx context.Context, opts Options) *relay {
	base := strings.TrimRight(opts.Mirror, "/")
	if base == "" {
		base = embeddedRepository()
	}
	shown := base
	if u, err := url.Parse(base); err == nil {
		u.User = nil
		shown = u.String()
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		DisableKeepAlives:     true,
	}
	return &relay{
		upstream: shown,
		base:     base,
		ctx:      ctx,
		opts:     opts,
		client:   &http.Client{Transport: transport},
	}
}

// embeddedRepository returns the repository that embedded-postgres would use by itself. It tells nobody, so it has to be
// looked up inside its configuration: better than a copy here that goes stale.
func embeddedRepository() string {
	field := reflect.ValueOf(embeddedpostgres.DefaultConfig()).FieldByName("binaryRepositoryURL")
	if field.Kind() != reflect.String {
		return ""
	}
	return field.String()
}

// startRelay starts relaying until close.
func startRelay(ctx context.Context, opts Options) (*relay, error) {
	r := newRelay(ctx, opts)
	var err error
	if r.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	r.served.Go(func() { _ = r.server.Serve(r.listener) })
	return r, nil
}

func (r *relay) url() string { return "http://" + r.listener.Addr().String() }

func (r *relay) close() {
	_ = r.server.Close()
	r.served.Wait()
}

func (r *relay) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *relay) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
	}
}

// get asks the repository for a path.
func (r *relay) get(method, path string) (*http.Response, error) {
	if r.base == "" {
		return nil, errors.New("no repository is known")
	}
	request, err := http.NewRequestWithContext(r.ctx, method, r.base+path, nil) //nolint:gosec // where the user said
	if err != nil {
		return nil, err
	}
	response, err := r.client.Do(request) //nolint:gosec // where the user said
	var long *url.Error
	if errors.As(err, &long) {
		err = long.Err // the URL is long, and we name the repository anyway
	}
	return response, err
}

// reach checks that the repository answers, whatever it says.
func (r *relay) reach() error {
	response, err := r.get(http.MethodHead, "/")
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// ServeHTTP passes one request on.
func (r *relay) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	// The library's client would otherwise keep the connection, and a goroutine, after we are gone.
	w.Header().Set("Connection", "close")
	checksum := strings.HasSuffix(request.URL.Path, ".sha256")
	response, err := r.get(http.MethodGet, request.URL.Path)
	if err != nil {
		r.fail(err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer func() { _ = response.Body.Close() }()
	// A repository need not have checksums; the library checks those it gets.
	if response.StatusCode != http.StatusOK && !checksum {
		r.fail(fmt.Errorf("%s: %s", request.URL.Path, response.Status))
	}
	if response.ContentLength >= 0 {
		w.Header().Set("Content-Length", fmt.Sprint(response.ContentLength))
	}
	w.WriteHeader(response.StatusCode)
	body := io.Reader(response.Body)
	if !checksum {
		body = &meter{reader: body, total: response.ContentLength, say: r.opts.say, next: time.Now().Add(time.Second)}
	}
	if _, err := io.Copy(w, body); err != nil {
		r.fail(err)
		panic(http.ErrAbortHandler) // so that the library does not take a part for the whole
	}
}

// meter reports how much has been read, once a second.
type meter struct {
	reader io.Reader
	total  int64 // -1 if unknown
	done   int64
	next   time.Time
	say    func(string, ...any)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.reader.Read(p)
	m.done += int64(n)
	if now := time.Now(); now.After(m.next) {
		m.next = now.Add(time.Second)
		if m.total > 0 {
			m.say("downloading Postgres: %d of %d MB", m.done>>20, m.total>>20)
		} else {
			m.say("downloading Postgres: %d MB", m.done>>20)
		}
	}
	return n, err
}
