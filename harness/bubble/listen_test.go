package bubble_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/bootrace/bootrace/harness/bubble"
)

// TestListen has a connection wait for ever for notifications, which come while heartbeats send them.
func TestListen(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	sent := 0
	s := &server{}
	s.beat = func(ctx context.Context, id string) error {
		_, err := s.pool.Exec(ctx, "with beat as (update ws set status = 'online' where id = $1) select pg_notify('beats', $1::text)", id)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			sent++
		}
		return err
	}
	play(t, target(s, func(e bubble.Env, s *server) error {
		c, err := s.pool.Acquire(e.Context)
		if err != nil {
			return err
		}
		if _, err := c.Exec(e.Context, "listen beats"); err != nil {
			return err
		}
		go func() {
			for {
				n, err := c.Conn().WaitForNotification(e.Context)
				if err != nil {
					return
				}
				mu.Lock()
				heard = append(heard, n.Payload)
				mu.Unlock()
			}
		}()
		return nil
	}))
	if len(heard) < 20 || len(heard) != sent {
		t.Errorf("%d notifications were sent, and %d heard: %v", sent, len(heard), s.errs)
	}
}

// TestConnectionsAreNew has nothing that one connection left be there on the next, although Postgres is not connected to anew.
func TestConnectionsAreNew(t *testing.T) {
	s := &server{}
	s.beat = func(context.Context, string) error { return nil }
	backends := map[uint32]bool{}
	play(t, target(s, func(e bubble.Env, _ *server) error {
		for _, sql := range []string{
			"create temp table left_behind (n int); prepare left_behind as select 1; set application_name = 'left_behind'; select pg_advisory_lock(1); listen left_behind",
			"begin; insert into ws (name, status) values ('left behind', 'online')", "select",
		} {
			config, err := pgx.ParseConfig(e.DSN)
			if err != nil {
				return err
			}
			config.DialFunc = e.Dial
			c, err := pgx.ConnectConfig(e.Context, config)
			if err != nil {
				return err
			}
			backends[c.PgConn().PID()] = true
			var left string
			err = c.QueryRow(e.Context, `select concat((select string_agg(relname, ' ') from pg_catalog.pg_class where relname = 'left_behind'),
				(select string_agg(name, ' ') from pg_catalog.pg_prepared_statements where name like 'left%'), (select string_agg(c, ' ') from pg_listening_channels() c),
				(select string_agg(locktype, ' ') from pg_catalog.pg_locks where locktype = 'advisory'), (select string_agg(name, ' ') from ws),
				nullif(current_setting('application_name'), ''))`).Scan(&left)
			if err != nil {
				return err
			}
			if left != "" {
				t.Errorf("left by the connection before: %s", left)
			}
			if _, err := c.Exec(e.Context, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
			if err := c.Close(e.Context); err != nil {
				return err
			}
			time.Sleep(time.Second) // sleeps: in virtual time, in which Postgres hears of the end
		}
		return nil
	}))
	if len(backends) != 1 {
		t.Errorf("%d backends served three connections, one after the other: want 1", len(backends))
	}
}
