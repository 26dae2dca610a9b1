package libpq_test

import (
	"database/sql"
	"net/http"
	"strconv"
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
				Budget: e.Times.Budget(""), SlowBudget: e.Times.Budget("hermes"), TTL: e.Times.LivenessTTL,
				ControlPlane: bubble.ControlPlane, HTTP: e.HTTP, Log: e.Log, Bugs: bugs,
			})
		},
		Rows: bubble.Rows{Table: "workspaces", ID: "id", Name: "name", Status: "status", Incarnation: "boot", Cause: "cause", Machine: "machine"},
		Boot: func(env map[string]string) int {
			n, _ := strconv.Atoi(env["BOOT"]) // the controller always gives one
			return n
		},
		Lacks: []string{"replicas", "parents", "external", "pause", "hibernate", "bootstrap-failed"},
	}
}

func TestHolds(t *testing.T) { harness.Verify(t, target(libpq.Bugs{}).For(t)) }
