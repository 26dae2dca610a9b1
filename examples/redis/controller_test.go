package redis_test

import (
	"database/sql"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	client "github.com/redis/go-redis/v9"

	"github.com/bootrace/bootrace/examples/redis"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bubble"
)

const redisAddr = "127.0.0.1:6379"

// target is the controller as production starts it, but for how it dials.
func target(mistake func(*redis.Config)) bubble.Target {
	return bubble.Target{
		Name: "redis",
		Start: func(e bubble.Env) (http.Handler, error) {
			db, err := pgx.ParseConfig(e.DSN)
			if err != nil {
				return nil, err
			}
			db.DialFunc = e.Dial
			c := redis.Config{
				DB: sql.OpenDB(stdlib.GetConnector(*db)), Redis: client.NewClient(&client.Options{Addr: redisAddr, Dialer: e.Dial}),
				Budget: e.Times.Budget, TTL: e.Times.LivenessTTL, ControlPlane: bubble.ControlPlane, Client: e.HTTP, Log: e.Log,
			}
			if mistake != nil {
				mistake(&c)
			}
			return redis.Start(e.Context, c)
		},
		Services: map[string]func() (bubble.Service, error){redisAddr: func() (bubble.Service, error) {
			m := miniredis.NewMiniRedis()
			err := m.Start()
			return bubble.Service{Addr: m.Addr(), Protocol: bubble.Redis, Close: m.Close, Pass: func(now time.Time, d time.Duration) {
				m.SetTime(now)
				m.FastForward(d)
			}}, err
		}},
		Rows: bubble.Rows{
			Table: "agents", ID: "id", Name: "name", Status: "state", Incarnation: "generation", Cause: "reason", Machine: "machine",
			Words: map[string]string{"booting": "provisioning", "up": "online", "sick": "degraded", "gone": "offline"},
		},
		Boot: func(env map[string]string) int {
			n, _ := strconv.Atoi(env["GENERATION"]) // the controller always gives one
			return n
		},
		Lacks: []string{"replicas", "parents", "external", "pause", "hibernate", "bootstrap-failed"},
	}
}

func TestHolds(t *testing.T) { harness.Verify(t, target(nil).For(t)) }
