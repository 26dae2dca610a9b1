package bubble

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/bootrace/bootrace/harness/contract"
)

// Where Postgres, the control plane and EC2 are inside of a bubble. They are addresses, which nobody has to look up, at which nobody is
// outside of it: who dials by itself is refused at once.
const (
	Postgres     = "127.0.0.1:1"
	ControlPlane = "http://127.0.0.1:2"
	EC2          = "http://127.0.0.1:3"
)

// Env is what a replica of the controller is started with, in place of what it finds around it in production.
type Env struct {
	// Replica counts from 1.
	Replica int
	// Context ends when the replica is killed, and at the end of the run.
	Context context.Context //nolint:containedctx // it is the replica's life
	// DSN is where the controller's database is, for drivers that dial by [Env.Dial].
	DSN string
	// HTTP carries calls to the control plane at [ControlPlane] and to EC2 at [EC2].
	HTTP *http.Client
	// Log goes to the test's log.
	Log *slog.Logger
	// Rand is the same in every run of a plan.
	Rand *rand.Rand
	// Times are what the plan wants of a controller that can be told: the budget of a runtime, the liveness TTL, and the rest.
	Times contract.Times

	gate    *gate
	replica *replica
}

// Dial connects to the database at [Postgres], or to one of the target's services at its address. It has the signature of pgx's
// DialFunc, of net.Dialer's DialContext and of go-redis' Dialer.
func (e Env) Dial(_ context.Context, network, addr string) (net.Conn, error) {
	if addr == Postgres {
		return e.gate.newConn(e.replica), nil
	}
	if s := e.gate.services[addr]; s != nil {
		return e.gate.newLink(e.replica, s), nil
	}
	return nil, fmt.Errorf("bubble: nothing is at %s %s: the controller can reach its database at %s, the target's Services, and HTTP by Env.HTTP",
		network, addr, Postgres)
}

// Dialer is for drivers that want a value with Dial and DialTimeout, as lib/pq does.
func (e Env) Dialer() Dialer { return Dialer{e} }

// Dialer dials the database.
type Dialer struct{ env Env }

// Dial connects to the database.
func (d Dialer) Dial(network, addr string) (net.Conn, error) {
	return d.env.Dial(context.Background(), network, addr)
}

// DialTimeout connects to the database, at once.
func (d Dialer) DialTimeout(network, addr string, _ time.Duration) (net.Conn, error) {
	return d.Dial(network, addr)
}

// DialContext connects to the database.
func (d Dialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return d.env.Dial(ctx, network, addr)
}

// env is what the replica is started with.
func (g *gate) env(ctx context.Context, r *replica) Env {
	return Env{
		Replica: r.number, Context: ctx, DSN: fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", g.database.User, Postgres, g.database.Database),
		HTTP: &http.Client{Transport: way{g, r}}, Log: slog.New(slog.DiscardHandler),
		Rand:  rand.New(rand.NewPCG(uint64(r.number), 0)), //nolint:gosec // it has to be the same in every run
		Times: g.site.Times(), gate: g, replica: r,
	}
}

// way carries the replica's HTTP calls out.
type way struct {
	gate    *gate
	replica *replica
}

// RoundTrip implements http.RoundTripper.
func (w way) RoundTrip(q *http.Request) (*http.Response, error) {
	type answer struct {
		response *http.Response
		err      error
	}
	if q.Body == nil {
		q = q.Clone(q.Context())
		q.Body = http.NoBody
	}
	if to := "http://" + q.URL.Host; to != ControlPlane && to != EC2 {
		return nil, fmt.Errorf("bubble: nobody is at %s: Env.HTTP reaches the control plane at %s and EC2 at %s", to, ControlPlane, EC2)
	}
	g := w.gate
	done := make(chan answer, 1)
	by, call := g.author(w.replica)
	tell := func(r *http.Response, err error) { done <- answer{r, err} }
	p := &parking{by: by, call: call, text: q.Method + " " + q.URL.String(), fail: func(err error) { tell(nil, err) }}
	p.start = func() { g.site.Ask(by, q, "http://"+q.URL.Host == EC2, tell) }
	p.early = func() {
		tell(nil, fmt.Errorf("bubble: %s %s before the run begins: nobody answers yet", q.Method, q.URL))
	}
	g.park(p)
	select {
	case a := <-done:
		return a.response, a.err
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
}

// dialled explains an error that a driver has which dials by itself.
func dialled(err error) error {
	if strings.Contains(err.Error(), Postgres) && errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: the driver dials by itself, and nobody is there outside of the bubble: give it Env.Dial (pgx: "+
			"ConnConfig.DialFunc; lib/pq: Connector.Dialer(Env.Dialer()))", err)
	}
	return err
}
