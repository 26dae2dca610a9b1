// Package gin is a small workspace controller as one writes it with gin and pgx: a pool, a file of queries, a leader that holds an
// advisory lock, and LISTEN to be told of work. It knows nothing of any test harness.
package gin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options are what the controller is told from outside.
type Options struct {
	Budget       time.Duration // of a boot
	SlowBudget   time.Duration // of one whose runtime is hermes
	TTL          time.Duration // of an agent's silence
	ControlPlane string        // where machines are asked for
	HTTP         *http.Client
	Log          *slog.Logger
	Bugs         Bugs
}

// Bugs are mistakes that were made here once. Each can be put back.
type Bugs struct {
	// NoLock reads the status for a heartbeat without a lock, and writes what follows from it.
	NoLock bool
	// RowByRow lists the boots that are overdue, and then fails each by its id.
	RowByRow bool
	// BlindRetry tries a create again whose commit may have taken effect.
	BlindRetry bool
}

// leadership is the advisory lock of whoever sweeps and launches.
const leadership = 7301

// Controller serves the calls of operators and agents.
type Controller struct {
	opt  Options
	pool *pgxpool.Pool
	*gin.Engine
}

// New migrates the database and starts the loops, which end with the context.
func New(ctx context.Context, pool *pgxpool.Pool, o Options) (*Controller, error) {
	if err := migrate(ctx, pool); err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	gin.SetMode(gin.ReleaseMode)
	c := &Controller{opt: o, pool: pool, Engine: gin.New()}
	c.POST("/workspaces", c.create)
	c.GET("/workspaces", c.list)
	c.GET("/workspaces/:id", c.get)
	c.GET("/workspaces/:id/state", c.state)
	c.DELETE("/workspaces/:id", c.remove)
	c.POST("/workspaces/:id/restart", c.restart)
	c.POST("/registry/register", c.register)
	c.POST("/registry/heartbeat", c.heartbeat)
	c.POST("/registry/update-card", c.updateCard)
	c.GET("/health", func(g *gin.Context) { g.JSON(http.StatusOK, gin.H{"status": "ok"}) })
	go c.lead(ctx)
	return c, nil
}

// migrate creates the tables, one replica at a time.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", leadership+1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schema)
		return err
	})
}

func fail(g *gin.Context, err error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		g.JSON(http.StatusNotFound, gin.H{"error": "there is no such workspace"})
	case errors.Is(err, errToken):
		g.JSON(http.StatusUnauthorized, gin.H{"error": err.Error()})
	default:
		g.JSON(http.StatusInternalServerError, gin.H{"error": err.Error()})
	}
}

var errToken = errors.New("the token is not that of the workspace's current boot")

func (c *Controller) create(g *gin.Context) {
	var w workspace
	if err := g.BindJSON(&w); err != nil || w.Name == "" {
		g.JSON(http.StatusBadRequest, gin.H{"error": "a workspace needs a name"})
		return
	}
	ctx := g.Request.Context()
	token := rand.Text()
	var request *string
	if !c.opt.Bugs.BlindRetry {
		if err := c.pool.QueryRow(ctx, "select gen_random_uuid()::text").Scan(&request); err != nil {
			fail(g, err)
			return
		}
	}
	var id string
	var err error
	for range 3 { // a failover takes a moment
		id, err = queries{c.pool}.createWorkspace(ctx, &w, token, request)
		if refused := new(pgconn.PgError); err == nil || errors.As(err, &refused) || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil {
		fail(g, err)
		return
	}
	c.announce(ctx)
	g.JSON(http.StatusCreated, gin.H{"id": id, "status": "provisioning"})
}

// announce tells the leader that there is work. It comes round by itself, too.
func (c *Controller) announce(ctx context.Context) {
	if _, err := c.pool.Exec(ctx, "notify work"); err != nil {
		c.opt.Log.Warn("announcing work", "err", err)
	}
}

func (c *Controller) get(g *gin.Context) {
	w, err := queries{c.pool}.getWorkspace(g.Request.Context(), g.Param("id"))
	if err != nil {
		fail(g, err)
		return
	}
	g.JSON(http.StatusOK, w)
}

func (c *Controller) state(g *gin.Context) {
	a, err := queries{c.pool}.agent(g.Request.Context(), g.Param("id"), false)
	if err == nil && a.Status == "removed" {
		err = pgx.ErrNoRows
	}
	if err != nil {
		fail(g, err)
		return
	}
	g.JSON(http.StatusOK, gin.H{"workspace_id": g.Param("id"), "status": a.Status, "paused": false, "deleted": false})
}

func (c *Controller) list(g *gin.Context) {
	all, err := queries{c.pool}.listWorkspaces(g.Request.Context())
	if err != nil {
		fail(g, err)
		return
	}
	g.JSON(http.StatusOK, append([]workspace{}, all...))
}

func (c *Controller) remove(g *gin.Context) {
	c.change(g, "removed", func(ctx context.Context) (int64, error) {
		return queries{c.pool}.removeWorkspace(ctx, g.Param("id"))
	})
}

func (c *Controller) restart(g *gin.Context) {
	c.change(g, "provisioning", func(ctx context.Context) (int64, error) {
		return queries{c.pool}.restartWorkspace(ctx, g.Param("id"), rand.Text())
	})
}

// change answers an operator's call, which leads to the status.
func (c *Controller) change(g *gin.Context, status string, do func(context.Context) (int64, error)) {
	n, err := do(g.Request.Context())
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		fail(g, err)
		return
	}
	c.announce(g.Request.Context())
	g.JSON(http.StatusOK, gin.H{"status": status})
}

// asAgent has do write what the agent of the workspace says, which has the status.
func (c *Controller) asAgent(g *gin.Context, id, answer string, lock bool, do func(ctx context.Context, q queries, status string) error) {
	ctx := g.Request.Context()
	err := pgx.BeginFunc(ctx, c.pool, func(tx pgx.Tx) error {
		q := queries{tx}
		a, err := q.agent(ctx, id, lock)
		switch {
		case err != nil:
			return err
		case a.Status == "removed":
			return pgx.ErrNoRows
		case a.Token != strings.TrimPrefix(g.GetHeader("Authorization"), "Bearer "):
			return errToken
		}
		return do(ctx, q, a.Status)
	})
	if err != nil {
		fail(g, err)
		return
	}
	g.JSON(http.StatusOK, gin.H{"status": answer})
}

func (c *Controller) register(g *gin.Context) {
	var r struct {
		ID   string          `json:"id"`
		URL  string          `json:"url"`
		Card json.RawMessage `json:"agent_card"`
	}
	if g.BindJSON(&r) != nil {
		return
	}
	c.asAgent(g, r.ID, "registered", true, func(ctx context.Context, q queries, status string) error {
		if status != "degraded" {
			status = "online"
		}
		return q.recordAgent(ctx, r.ID, status, r.URL, r.Card)
	})
}

// beat is a heartbeat.
type beat struct {
	ID        string  `json:"workspace_id"`
	ErrorRate float64 `json:"error_rate"`
	Sample    string  `json:"sample_error"`
	Tasks     int     `json:"active_tasks"`
	Task      string  `json:"current_task"`
	Uptime    int64   `json:"uptime_seconds"`
	State     string  `json:"runtime_state"`
}

// next is the status that a heartbeat leads to.
func (b *beat) next(status string) string {
	bad := 0.5
	if status == "degraded" {
		bad = 0.1
	}
	if (status == "online" || status == "degraded") && (b.ErrorRate >= bad || b.State == "wedged") {
		return "degraded"
	}
	return "online"
}

func (c *Controller) heartbeat(g *gin.Context) {
	var b beat
	if g.BindJSON(&b) != nil {
		return
	}
	c.asAgent(g, b.ID, "ok", !c.opt.Bugs.NoLock, func(ctx context.Context, q queries, status string) error {
		return q.recordBeat(ctx, b.next(status), &b)
	})
}

func (c *Controller) updateCard(g *gin.Context) {
	var r struct {
		ID   string          `json:"workspace_id"`
		Card json.RawMessage `json:"agent_card"`
	}
	if g.BindJSON(&r) != nil {
		return
	}
	c.asAgent(g, r.ID, "updated", true, func(ctx context.Context, q queries, _ string) error {
		return q.recordCard(ctx, r.ID, r.Card)
	})
}

// ask calls the control plane. What is not there need not be ended.
func (c *Controller) ask(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, method, c.opt.ControlPlane+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r, err := c.opt.HTTP.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	switch {
	case r.StatusCode == http.StatusNotFound && method == http.MethodDelete:
		return nil
	case r.StatusCode >= http.StatusMultipleChoices:
		return errors.New(method + " " + path + ": " + strconv.Itoa(r.StatusCode))
	case answer != nil:
		return json.NewDecoder(r.Body).Decode(answer)
	}
	return nil
}
