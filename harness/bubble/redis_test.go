package bubble_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/bootrace/bootrace/harness/bubble"
)

// redisAt is a Redis server for every run.
func redisAt(addr string) map[string]func() (bubble.Service, error) {
	return map[string]func() (bubble.Service, error){addr: func() (bubble.Service, error) {
		m := miniredis.NewMiniRedis()
		err := m.Start()
		return bubble.Service{Addr: m.Addr(), Protocol: bubble.Redis, Close: m.Close, Pass: func(now time.Time, d time.Duration) {
			m.SetTime(now)
			m.FastForward(d)
		}}, err
	}}
}

// TestRedis has heartbeats keep keys that expire in virtual time, beside a subscription that waits for ever.
func TestRedis(t *testing.T) {
	var digests []string
	for range 2 {
		var mu sync.Mutex
		var heard []string
		expired := 0
		s := &server{}
		var client *redis.Client
		var running context.Context
		s.beat = func(ctx context.Context, id string) error {
			if _, err := s.pool.Exec(ctx, "update ws set status = 'online' where id = $1", id); err != nil {
				return err
			}
			if err := client.Set(ctx, id, time.Now().Format(time.RFC3339), 10*time.Second).Err(); err != nil {
				return err
			}
			if err := client.Publish(ctx, "beats", id).Err(); err != nil {
				return err
			}
			for _, after := range []time.Duration{9 * time.Second, 2 * time.Second} {
				time.Sleep(after) // sleeps: in virtual time
				err := client.Get(ctx, id).Err()
				if running.Err() != nil {
					return nil // the run has ended meanwhile
				}
				if errors.Is(err, redis.Nil) != (after == 2*time.Second) {
					return fmt.Errorf("after a sleep of %v: %w", after, err)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			expired++
			return nil
		}
		b := target(s, func(e bubble.Env, _ *server) error {
			running = e.Context
			client = redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Dialer: e.Dial})
			sub := client.Subscribe(e.Context, "beats", "nothing")
			go func() {
				for m := range sub.Channel() {
					mu.Lock()
					heard = append(heard, m.Payload)
					mu.Unlock()
				}
			}()
			return nil
		})
		b.Services = redisAt("127.0.0.1:6379")
		o := play(t, b)
		digests = append(digests, o.Digest)
		for _, err := range s.errs {
			t.Error(err)
		}
		if expired < 25 || len(heard) < expired {
			t.Errorf("%d keys expired, and %d of them were heard of", expired, len(heard))
		}
	}
	if digests[0] != digests[1] {
		t.Errorf("two courses of one plan: %v", digests)
	}
}
