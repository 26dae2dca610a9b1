package live

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/harness/hiccup"
)

// What the harness measures beside its own timers, and what each may take on a machine that keeps up, which is an allowance and no
// measurement.
const (
	sourceHTTP   = "http through the gateway"
	sourceSQL    = "SELECT 1"
	nominalProbe = 5 * time.Millisecond
)

// slow is what the parts of a run measure of the machine's slowness.
type slow struct {
	hiccup.Series
	sql  sqlProbe
	once sync.Once
	stop func() // nil until it measures
}

// measure begins to measure.
func (w *world) measure() {
	w.slow.sql.url = w.database.URL
	client := &http.Client{Transport: &http.Transport{}}
	meter := hiccup.Start(hiccup.Options{
		Report: w.slow.Add, Kernel: true, Machine: true,
		Probes: []hiccup.Probe{
			{Source: sourceHTTP, Nominal: nominalProbe, Do: func(ctx context.Context) error { return ping(ctx, client, w.gateway.url) }},
			{Source: sourceSQL, Nominal: nominalProbe, Do: w.slow.sql.do},
		},
	})
	w.slow.stop = func() {
		meter.Close()
		w.slow.sql.close()
		client.CloseIdleConnections()
	}
}

// close ends the measurement, and returns when all is reported.
func (s *slow) close() {
	if s.stop != nil {
		s.once.Do(s.stop)
	}
}

// addProcess adds a window that a process of the run reports.
func (s *slow) addProcess(actor string, number int, x *hiccup.Window) {
	if x == nil {
		return
	}
	x.Process = hiccup.Name(actor, number)
	s.Add(*x)
}

// pathPing is answered by the gateway itself.
const pathPing = "/bootrace/ping"

func ping(ctx context.Context, client *http.Client, gateway string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, gateway+pathPing, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusNoContent {
		err = fmt.Errorf("the gateway answers %s", answer.Status)
	}
	answer.Body.Close() //nolint:errcheck // there is none
	return err
}

// sqlProbe asks the database for nothing, on a connection of its own.
type sqlProbe struct {
	url  string
	mu   sync.Mutex
	conn *pgx.Conn
}

func (p *sqlProbe) do(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil || p.conn.IsClosed() {
		// How long it takes to connect is no measure: the server may be down by a fault.
		conn, err := pgx.Connect(ctx, p.url)
		if err != nil {
			return err
		}
		p.conn = conn
		return errConnected
	}
	_, err := p.conn.Exec(ctx, "SELECT 1")
	return err
}

var errConnected = errors.New("connected, and asked for nothing yet")

func (p *sqlProbe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn != nil {
		hangUp(p.conn)
	}
}
