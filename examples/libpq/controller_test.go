package libpq_test

import (
	"database/sql"
	"net/http"
	"testing"

	"github.com/lib/pq"

	"github.com/bootrace/bootrace/examples/libpq"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bubble"
)

// target is the controller as production starts it, but for how it dials.
func target(bugs libpq.Bugs) bubble.Target {
	return bubble.Target{
		Name: "libpq",
		Start: func(e bubble.Env) (http.Handler, error) {
			connector, err := pq.NewConnector(e.DSN)
			if err != nil {
				return nil, err
			}
			connector.Dialer(e.Dialer())
			return libpq.New(e.Context, sql.OpenDB(connector), libpq.Options{
				Budget: e.Times.Budget(""), SlowBudget: e.Times.Budget("hermes"), TTL: e.Times.TTL,
				ControlPlane: bubble.ControlPlane, HTTP: e.HTTP, Log: e.Log, Bugs: bugs,
			})
		},
		Rows:  bubble.Rows{Table: "workspaces", ID: "id", Name: "name", Status: "status", Incarnation: "boot", Cause: "cause", Machine: "machine"},
		Lacks: []string{"replicas", "parents", "external", "pause", "hibernate", "bootstrap-failed"},
	}
}

func TestHolds(t *testing.T) { harness.Verify(t, target(libpq.Bugs{}).For(t)) }
