package defects

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/wire"
)

// welcoming lets removed workspaces register.
type welcoming struct{ door }

func (s welcoming) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	out, err := s.Store.Register(ctx, r)
	w, getErr := s.Get(ctx, r.ID)
	if err == nil || getErr != nil || w.Status != lifecycle.Removed {
		return out, err
	}
	token := r.Token
	if token.IsZero() {
		token = r.NewToken
	}
	err = s.Edit(ctx, r.ID, func(w *store.Workspace) { w.Token, w.TokenConfirmed = token, true })
	return store.Outcome{Status: w.Status, Incarnation: w.Incarnation, Minted: r.Token.IsZero()}, err
}

// credulous takes every id for a workspace's.
type credulous struct{ store.Store }

func (s credulous) Heartbeat(ctx context.Context, b store.Beat) (store.Outcome, error) {
	out, err := s.Store.Heartbeat(ctx, b)
	if err == store.ErrNotFound { //nolint:errorlint // only the store's own answer
		return store.Outcome{}, nil
	}
	return out, err
}

func (s credulous) Register(ctx context.Context, r store.Registration) (store.Outcome, error) {
	out, err := s.Store.Register(ctx, r)
	if err != store.ErrNotFound { //nolint:errorlint // only the store's own answer
		return out, err
	}
	t, err := s.Create(ctx, store.Workspace{
		ID: r.ID, Name: r.ID.String(), External: true, URL: r.URL, Card: r.Card, Incarnation: 1, Token: r.NewToken, CreatedAt: r.Now,
	}, lifecycle.CreateExternal)
	return store.Outcome{Moved: err == nil, Transition: t, Status: t.To, Incarnation: 1, Minted: true}, err
}

// drifted stores what the request's reply does not say: an awaiting workspace as a provisioning one.
type drifted struct {
	store.Store
	budget func(runtime string) time.Duration
}

func (s drifted) Create(ctx context.Context, w store.Workspace, e lifecycle.Event) (store.Transition, error) {
	if e != lifecycle.CreateAwaiting {
		return s.Store.Create(ctx, w, e)
	}
	w.BootStartedAt, w.BootDeadline = w.CreatedAt, w.CreatedAt.Add(s.budget(w.Runtime))
	t, err := s.Store.Create(ctx, w, lifecycle.Create)
	t.To = lifecycle.AwaitingAgent
	return t, err
}

// lying answers that a workspace hibernates, and changes nothing.
type lying struct{ store.Store }

func (s lying) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	var to lifecycle.Status
	switch c.Event {
	case lifecycle.Hibernate:
		to = lifecycle.Hibernating
	case lifecycle.MachineStopped:
		to = lifecycle.Hibernated
	default:
		return s.Store.Apply(ctx, c)
	}
	return store.Outcome{
		Moved: true, Transition: store.Transition{Event: c.Event, To: to}, Status: to, Incarnation: c.Incarnation,
	}, nil
}

// throttled lets so many heartbeats of one address through in an interval, and answers 429 to the others.
type throttled struct {
	http.Handler
	memory   Memory
	clock    controller.Clock
	limit    int
	interval time.Duration
}

func (h *throttled) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr // without a port
	}
	if r.URL.Path == wire.PathHeartbeat && !h.let(address) {
		w.Header().Set("Retry-After", strconv.Itoa(int(h.interval/time.Second)))
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write([]byte(`{"error":"too many requests from your address"}`)) //nolint:errcheck // nobody left to tell
		return
	}
	h.Handler.ServeHTTP(w, r)
}

func (h *throttled) let(address string) bool {
	now := h.clock.Now()
	return h.memory.Do("rate_limit", uuid.Nil, func(k Kept) Recalled {
		if now.Sub(k.Since) >= h.interval || now.Before(k.Since) {
			k.Since, k.Count = now, map[string]int{}
		}
		k.Count[address]++
		return Recalled{OK: k.Count[address] <= h.limit}
	}).OK
}

// doubleSweep reads who is due and then gives each up, and emits the event whether it or another replica did it.
type doubleSweep struct{ door }

func (s doubleSweep) ExpireBoots(ctx context.Context, now time.Time, cause string, _ int) ([]store.Transition, error) {
	rows, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range rows {
		if w.Status != lifecycle.Provisioning || w.BootDeadline.IsZero() || w.BootDeadline.After(now) {
			continue
		}
		why := store.BootCause(cause, &w)
		out, err := s.Apply(ctx, store.Change{ID: w.ID, Event: lifecycle.ProvisionTimeout, Cause: why, Incarnation: w.Incarnation, Now: now})
		if err != nil {
			return nil, err
		}
		if !out.Moved && out.Status == lifecycle.Failed { // another replica was quicker; the event is emitted all the same
			if err := s.SetStatus(ctx, w.ID, lifecycle.Failed, lifecycle.ProvisionTimeout, why, now); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// selfReporting leaves boots alone whose launch is under way, since that reports its own failure.
type selfReporting struct{ door }

func (s selfReporting) ClaimLaunches(ctx context.Context, now, _ time.Time, limit int) (store.Launches, error) {
	return s.Store.ClaimLaunches(ctx, now, now.Add(1000*time.Hour), limit)
}

func (s selfReporting) ExpireBoots(ctx context.Context, now time.Time, cause string, _ int) ([]store.Transition, error) {
	return expireEach(ctx, s.Store, now, cause, func(w store.Workspace) bool {
		launching := w.LaunchAttempts > 0 && w.MachineID == ""
		return !launching
	})
}

// Apply records a launch's failure under the context that the launch itself ran out of.
func (s selfReporting) Apply(ctx context.Context, c store.Change) (store.Outcome, error) {
	if c.Event == lifecycle.LaunchFailed {
		return store.Outcome{}, context.DeadlineExceeded
	}
	return s.Store.Apply(ctx, c)
}

// watchdog is a second timer, which gives every boot the default budget, whatever its runtime's is.
func watchdog(c controller.Config) controller.Tick {
	return controller.Tick{Name: "watchdog", Every: c.Settings.ProvisionSweepEvery, Run: func(ctx context.Context) error {
		rows, err := c.Store.List(ctx)
		if err != nil {
			return err
		}
		now := c.Clock.Now()
		for _, w := range rows {
			if w.Status != lifecycle.Provisioning || w.External || now.Sub(w.BootStartedAt) < c.Settings.Budget("")*3/5 {
				continue
			}
			if _, err := c.Store.Apply(ctx, store.Change{
				ID: w.ID, Event: lifecycle.ProvisionTimeout, Incarnation: w.Incarnation, Now: now,
				Cause: store.BootCause("watchdog: the boot takes too long", &w),
			}); err != nil {
				return err
			}
		}
		return nil
	}}
}
