package gin_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootrace/bootrace/examples/gin"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bubble"
)

// target is the controller as production starts it, but for how it dials.
func target(bugs gin.Bugs) bubble.Target {
	return bubble.Target{
		Name: "gin",
		Start: func(e bubble.Env) (http.Handler, error) {
			config, err := pgxpool.ParseConfig(e.DSN)
			if err != nil {
				return nil, err
			}
			config.ConnConfig.DialFunc = e.Dial
			pool, err := pgxpool.NewWithConfig(e.Context, config)
			if err != nil {
				return nil, err
			}
			return gin.New(e.Context, pool, gin.Options{
				Budget: e.Times.Budget(""), SlowBudget: e.Times.Budget("hermes"), TTL: e.Times.LivenessTTL,
				ControlPlane: bubble.ControlPlane, HTTP: e.HTTP, Log: e.Log, Bugs: bugs,
			})
		},
		Rows: bubble.Rows{Table: "workspaces", ID: "id", Name: "name", Status: "status", Incarnation: "boot", Cause: "cause", Machine: "machine"},
		Boot: func(env map[string]string) int {
			n, _ := strconv.Atoi(env["BOOT"]) // the controller always gives one
			return n
		},
		Lacks: []string{"parents", "external", "pause", "hibernate", "bootstrap-failed"},
	}
}

func TestHolds(t *testing.T) { harness.Verify(t, target(gin.Bugs{}).For(t)) }
