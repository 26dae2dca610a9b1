package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
)

var start = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

// fleet creates n workspaces that boot, and returns their ids.
func fleet(tb testing.TB, s *postgres.Store, n int) []uuid.UUID {
	tb.Helper()
	ids := make([]uuid.UUID, n)
	for i := range ids {
		ids[i] = uuid.New()
		w := store.Workspace{
			ID: ids[i], Name: fmt.Sprint(i), Runtime: "claude-code", Incarnation: 1, Token: token, TokenConfirmed: true,
			CreatedAt: start, BootStartedAt: start, BootDeadline: start.Add(10 * time.Minute),
		}
		if _, err := s.Create(context.Background(), w, lifecycle.Create); err != nil {
			tb.Fatal(err)
		}
	}
	return ids
}

var token = store.HashToken("token")

// each runs the benchmark as a server does it, and as a simulation does.
func each(b *testing.B, f func(b *testing.B, s *postgres.Store)) {
	for _, c := range []struct {
		name string
		opts []postgres.Option
	}{
		{"sleeping", []postgres.Option{postgres.MaxConns(1)}},
		{"polling", []postgres.Option{postgres.MaxConns(1), postgres.BusyPoll(200 * time.Microsecond)}},
		{"polling+probe", []postgres.Option{
			postgres.MaxConns(1), postgres.BusyPoll(200 * time.Microsecond), postgres.Observe(func(store.RowChange) {}),
		}},
	} {
		b.Run(c.name, func(b *testing.B) { f(b, connect(b, database(b, probed), lifecycle.Standard(), c.opts...)) })
	}
}

// The least that a round trip takes, to compare the others with.
func BenchmarkPing(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.Ping(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A heartbeat of an online workspace, which moves nothing. On a machine that others use too, the tenth percentile says more
// about the code than the mean; and the ratio to a ping of the same run more than either.
func BenchmarkHeartbeat(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		ctx := context.Background()
		ids := fleet(b, s, 10)
		beat := store.Beat{Token: token, Event: lifecycle.Beat, CurrentTask: "thinking", Now: start}
		var beats, pings []time.Duration
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			beat.ID, beat.UptimeSeconds, beat.Now = ids[i%len(ids)], int64(i), start.Add(time.Duration(i)*time.Second)
			began := time.Now()
			if _, err := s.Heartbeat(ctx, beat); err != nil {
				b.Fatal(err)
			}
			beats = append(beats, time.Since(began))
		}
		for range beats {
			began := time.Now()
			if err := s.Ping(ctx); err != nil {
				b.Fatal(err)
			}
			pings = append(pings, time.Since(began))
		}
		b.ReportMetric(float64(percentile(beats, 10)), "p10-ns")
		b.ReportMetric(float64(percentile(beats, 50)), "p50-ns")
		b.ReportMetric(float64(percentile(beats, 10))/float64(percentile(pings, 10)), "pings")
	})
}

func percentile(all []time.Duration, n int) time.Duration {
	slices.Sort(all)
	return all[len(all)*n/100]
}

// A restart, which moves the workspace and writes the log.
func BenchmarkApply(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		ids := fleet(b, s, 10)
		c := store.Change{Event: lifecycle.Restart, Cause: "again", Now: start, Boot: &store.Boot{Deadline: start.Add(time.Hour)}}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			c.ID = ids[i%len(ids)]
			if out, err := s.Apply(context.Background(), c); err != nil || !out.Moved {
				b.Fatal(out, err)
			}
		}
	})
}

func BenchmarkApplyChildless(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		ids := fleet(b, s, 10)
		c := store.Change{Event: lifecycle.Restart, Childless: true, Now: start, Boot: &store.Boot{Deadline: start.Add(time.Hour)}}
		for i := 0; b.Loop(); i++ {
			c.ID = ids[i%len(ids)]
			if out, err := s.Apply(context.Background(), c); err != nil || !out.Moved {
				b.Fatal(out, err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		ids := fleet(b, s, 10)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := s.Get(context.Background(), ids[i%len(ids)]); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkList10(b *testing.B) {
	each(b, func(b *testing.B, s *postgres.Store) {
		fleet(b, s, 10)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.List(context.Background()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The sweeps of a fleet of ten of which nothing is due: what a simulation does most but for heartbeats.
func BenchmarkIdleSweeps(b *testing.B) {
	for _, sweep := range []struct {
		name string
		call func(*postgres.Store) (int, error)
	}{
		{"ExpireBoots", func(s *postgres.Store) (int, error) {
			moved, err := s.ExpireBoots(context.Background(), start, "late", 100)
			return len(moved), err
		}},
		{"ExpireSilent", func(s *postgres.Store) (int, error) {
			q := store.Silence{Now: start, TTL: time.Minute, ExternalTTL: time.Minute, Limit: 100}
			moved, err := s.ExpireSilent(context.Background(), q, "silent")
			return len(moved), err
		}},
		{"ClaimLaunches", func(s *postgres.Store) (int, error) {
			found, err := s.ClaimLaunches(context.Background(), start, start, 100)
			return len(found.Claimed) + len(found.Unwanted), err
		}},
	} {
		b.Run(sweep.name, func(b *testing.B) {
			each(b, func(b *testing.B, s *postgres.Store) {
				for _, id := range fleet(b, s, 10) {
					if _, err := s.AttachMachine(context.Background(), id, 1, "i-1"); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					if n, err := sweep.call(s); err != nil || n != 0 {
						b.Fatal(n, err)
					}
				}
			})
		})
	}
}

// Emptying the database between two plans that made ten workspaces and moved each twice; the making is not counted.
func BenchmarkReset(b *testing.B) {
	s := connect(b, database(b, probed), lifecycle.Standard(), postgres.MaxConns(1), postgres.BusyPoll(200*time.Microsecond))
	var total time.Duration
	n := 0
	for b.Loop() {
		for _, id := range fleet(b, s, 10) {
			if _, err := s.Heartbeat(context.Background(), store.Beat{ID: id, Token: token, Event: lifecycle.Beat, Now: start}); err != nil {
				b.Fatal(err)
			}
		}
		began := time.Now()
		if err := s.Reset(context.Background()); err != nil {
			b.Fatal(err)
		}
		total += time.Since(began)
		n++
	}
	b.ReportMetric(float64(total.Nanoseconds())/float64(n), "ns/reset")
}
