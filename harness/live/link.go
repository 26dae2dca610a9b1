package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/bootrace/bootrace/harness/fault"
)

// link is the connection between one replica and Postgres, through toxiproxy, for the faults that strike all of it: the
// database is slow, or cannot be reached. It listens on a Unix socket in the run's own folder, so that a database that none
// but us may reach stays so.
//
// The listener is ours and not toxiproxy's, which only speaks TCP; its links do not care.
type link struct {
	listener net.Listener
	network  string // of Postgres
	address  string
	api      *toxiproxy.ApiServer
	proxy    *toxiproxy.Proxy
	accepted sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]struct{}
}

// linked reports whether the fault is one of the connection's: the store is slow, or fails, whatever it is asked.
func linked(x *fault.Fault) bool {
	return (x.Kind == "store-slow" || x.Kind == "store-error") && len(x.Calls) == 0 && len(x.Nth) == 0 && x.Percent == 0
}

// newLink begins to listen in the folder, for connections to the database.
func newLink(folder, name, database string) (*link, error) {
	config, err := pgx.ParseConfig(database)
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	l := &link{network: "tcp", address: net.JoinHostPort(config.Host, fmt.Sprint(config.Port)), conns: map[net.Conn]struct{}{}}
	if strings.HasPrefix(config.Host, "/") {
		l.network, l.address = "unix", filepath.Join(config.Host, fmt.Sprintf(".s.PGSQL.%d", config.Port))
	}
	if l.listener, err = net.Listen("unix", filepath.Join(folder, ".s.PGSQL.5432")); err != nil { //nolint:noctx // it takes no time
		return nil, fmt.Errorf("live: %w", err)
	}
	l.api = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l.proxy = toxiproxy.NewProxy(l.api, name, "", "")
	l.accepted.Go(l.accept)
	return l, nil
}

// through is the database's URL by way of a link in the folder.
func through(database, folder string) (string, error) {
	u, err := url.Parse(database)
	if err != nil {
		return "", errors.New("live: the database's URL is none") // it may hold a password
	}
	query := u.Query()
	query.Set("host", folder)
	query.Set("port", "5432")
	query.Set("sslmode", "disable")
	u.Host, u.RawQuery = "", query.Encode()
	return u.String(), nil
}

func (l *link) accept() {
	for n := 0; ; n++ {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), l.network, l.address)
		if err != nil {
			client.Close() //nolint:errcheck // the server is down, which is what the client is to see
			continue
		}
		if !l.keep(client, server) {
			return
		}
		name := fmt.Sprint(n)
		l.proxy.Toxics.StartLink(l.api, name+"upstream", client, server, stream.Upstream)
		l.proxy.Toxics.StartLink(l.api, name+"downstream", server, client, stream.Downstream)
	}
}

// keep notes the ends of a connection, and reports false where the link is closed.
func (l *link) keep(ends ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range ends {
		if l.closed {
			c.Close() //nolint:errcheck // it was never used
			continue
		}
		l.conns[c] = struct{}{}
	}
	return !l.closed
}

// toxic is what toxiproxy is told of one.
type toxic struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	Stream     string         `json:"stream"`
	Toxicity   float64        `json:"toxicity"`
	Attributes map[string]any `json:"attributes"`
}

// poison begins what the fault does to the connection: late is how much later than without it a step takes effect.
func (l *link) poison(x *fault.Fault, late time.Duration) error {
	t := toxic{Name: fmt.Sprint(x.Number), Stream: "upstream", Toxicity: 1}
	switch x.Kind {
	case "store-slow":
		// A step is two round trips: it introduces itself, and then does what it is about.
		t.Type, t.Attributes = "latency", map[string]any{"latency": max(late/2, time.Millisecond).Milliseconds()}
	case "store-error":
		// Whatever is sent arrives no more, and the connection closes.
		t.Type, t.Attributes = "timeout", map[string]any{"timeout": 1}
	}
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	_, err = l.proxy.Toxics.AddToxicJson(strings.NewReader(string(b)))
	return err
}

// heal ends what the fault does.
func (l *link) heal(x *fault.Fault) {
	l.proxy.Toxics.RemoveToxic(context.Background(), fmt.Sprint(x.Number)) //nolint:errcheck // it is not there, then
}

// close cuts every connection.
func (l *link) close() {
	l.listener.Close() //nolint:errcheck // nothing is left to be told
	l.accepted.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for c := range l.conns {
		c.Close() //nolint:errcheck // it may be closed by now
	}
}
