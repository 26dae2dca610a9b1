// Package libpq is a small workspace controller as one writes it with the standard library and lib/pq: handlers on
// net/http, loops on time.Ticker, and times that the database compares with now(). It knows nothing of any test harness.
package libpq

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
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
	// StickyFailed has neither a register nor a heartbeat bring back who was given up.
	StickyFailed bool
	// BlindHeartbeat reads the status and writes what follows from it, with nothing between that keeps others out.
	BlindHeartbeat bool
	// ListSweep reads which workspaces are silent, and then writes them off one by one without looking again.
	ListSweep bool
}

// Controller serves the calls of operators and agents.
type Controller struct {
	opt Options
	db  *sql.DB
	mux *http.ServeMux
}

const schema = `
create table if not exists workspaces (
	id           uuid primary key default gen_random_uuid(),
	name         text not null,
	runtime      text not null default '',
	model        text not null default '',
	tier         int not null default 0,
	template     text not null default '',
	status       text not null default 'provisioning',
	cause        text not null default '',
	boot         int not null default 1,
	boot_since   timestamptz not null default now(),
	last_seen    timestamptz,
	token        text not null, -- of the current boot: its machine is given it
	url          text not null default '',
	card         jsonb not null default '{}',
	tasks        int not null default 0,
	task         text not null default '',
	uptime       bigint not null default 0,
	error_rate   double precision not null default 0,
	sample_error text not null default '',
	machine      text,
	cleared      int not null default 0,
	created_at   timestamptz not null default CURRENT_TIMESTAMP
)`

// New migrates the database and starts the loops, which end with the context.
func New(ctx context.Context, db *sql.DB, o Options) (*Controller, error) {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	c := &Controller{opt: o, db: db, mux: http.NewServeMux()}
	c.mux.HandleFunc("POST /workspaces", c.create)
	c.mux.HandleFunc("GET /workspaces", c.list)
	c.mux.HandleFunc("GET /workspaces/{id}", c.get)
	c.mux.HandleFunc("GET /workspaces/{id}/state", c.state)
	c.mux.HandleFunc("DELETE /workspaces/{id}", c.remove)
	c.mux.HandleFunc("POST /workspaces/{id}/restart", c.restart)
	c.mux.HandleFunc("POST /registry/register", c.register)
	c.mux.HandleFunc("POST /registry/heartbeat", c.heartbeat)
	c.mux.HandleFunc("POST /registry/update-card", c.updateCard)
	c.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]string{"status": "ok"}) })
	go c.every(ctx, 5*time.Second, c.launch)
	go c.every(ctx, 15*time.Second, c.sweepSilent)
	go c.every(ctx, 30*time.Second, c.sweepBoots)
	return c, nil
}

// ServeHTTP implements http.Handler.
func (c *Controller) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

func (c *Controller) every(ctx context.Context, d time.Duration, do func(context.Context) error) {
	t := time.NewTicker(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := do(ctx); err != nil {
				c.opt.Log.Error("loop", "err", err)
			}
		}
	}
}

func reply(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body) //nolint:errcheck // the client is gone
}

func fail(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if errors.Is(err, sql.ErrNoRows) {
		code = http.StatusNotFound
	}
	reply(w, code, map[string]string{"error": err.Error()})
}

func (c *Controller) create(w http.ResponseWriter, r *http.Request) {
	var q struct {
		Name, Runtime, Model, Template string
		Tier                           int
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Name == "" {
		reply(w, http.StatusBadRequest, map[string]string{"error": "a workspace needs a name"})
		return
	}
	var id string
	err := c.db.QueryRowContext(r.Context(), `insert into workspaces (name, runtime, model, template, tier, token)
		values ($1, $2, $3, $4, $5, $6) returning id`, q.Name, q.Runtime, q.Model, q.Template, q.Tier, newToken()).Scan(&id)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusCreated, map[string]string{"id": id, "status": "provisioning"})
}

// workspace is a row as clients see it.
type workspace struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Runtime   string          `json:"runtime"`
	Model     string          `json:"model"`
	Template  string          `json:"template"`
	Tier      int             `json:"tier"`
	Status    string          `json:"status"`
	Cause     string          `json:"failure_cause,omitempty"`
	URL       string          `json:"url"`
	Card      json.RawMessage `json:"agent_card"`
	Tasks     int             `json:"active_tasks"`
	Task      string          `json:"current_task"`
	Uptime    int64           `json:"uptime_seconds"`
	ErrorRate float64         `json:"last_error_rate"`
	Sample    string          `json:"last_sample_error"`
}

const columns = "id, name, runtime, model, template, tier, status, cause, url, card, tasks, task, uptime, error_rate, sample_error"

func scan(row interface{ Scan(...any) error }) (x workspace, err error) {
	err = row.Scan(&x.ID, &x.Name, &x.Runtime, &x.Model, &x.Template, &x.Tier, &x.Status, &x.Cause, &x.URL, &x.Card, &x.Tasks, &x.Task, &x.Uptime, &x.ErrorRate, &x.Sample)
	return x, err
}

func (c *Controller) get(w http.ResponseWriter, r *http.Request) {
	x, err := scan(c.db.QueryRowContext(r.Context(), "select "+columns+" from workspaces where id = $1", r.PathValue("id")))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, x)
}

func (c *Controller) state(w http.ResponseWriter, r *http.Request) {
	var status string
	err := c.db.QueryRowContext(r.Context(), "select status from workspaces where id = $1", r.PathValue("id")).Scan(&status)
	if err == nil && status == "removed" {
		err = sql.ErrNoRows
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]any{"workspace_id": r.PathValue("id"), "status": status, "paused": false, "deleted": false})
}

func (c *Controller) list(w http.ResponseWriter, r *http.Request) {
	rows, err := c.db.QueryContext(r.Context(), "select "+columns+" from workspaces where status <> 'removed' order by created_at, id")
	if err != nil {
		fail(w, err)
		return
	}
	defer rows.Close() //nolint:errcheck // it was read
	all := []workspace{}
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			fail(w, err)
			return
		}
		all = append(all, x)
	}
	if err := rows.Err(); err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, all)
}

func (c *Controller) remove(w http.ResponseWriter, r *http.Request) {
	_, err := c.db.ExecContext(r.Context(), "update workspaces set status = 'removed', token = '', cause = '' where id = $1", r.PathValue("id"))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "removed"})
}

func (c *Controller) restart(w http.ResponseWriter, r *http.Request) {
	err := c.db.QueryRowContext(r.Context(), `update workspaces set status = 'provisioning', boot = boot + 1, boot_since = now(),
		token = $2, machine = null, last_seen = null, cause = '', url = '', card = '{}', tasks = 0, task = '', uptime = 0, error_rate = 0, sample_error = ''
		where id = $1 and status <> 'removed' returning id`, r.PathValue("id"), newToken()).Scan(new(string))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "provisioning"})
}

// bearer is the token of the request.
func bearer(r *http.Request) string {
	const scheme = "Bearer "
	if h := r.Header.Get("Authorization"); len(h) > len(scheme) {
		return h[len(scheme):]
	}
	return ""
}

// newToken is what an agent is told from others by.
func newToken() string {
	secret := make([]byte, 16)
	rand.Read(secret)
	return hex.EncodeToString(secret)
}

func (c *Controller) register(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID   string          `json:"id"`
		URL  string          `json:"url"`
		Card json.RawMessage `json:"agent_card"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	done, err := c.db.ExecContext(r.Context(), `update workspaces set
		status = case when status = 'degraded' or status = 'failed' and $5 then status else 'online' end,
		cause = case when status = 'failed' and $5 then cause else '' end, url = $3, card = $4, last_seen = now()
		where id = $1 and token = $2 and status <> 'removed'`, q.ID, bearer(r), q.URL, string(q.Card), c.opt.Bugs.StickyFailed)
	c.answer(w, r, q.ID, done, err, "registered")
}

// answer answers an agent whose call changed the row that has its token, or none.
func (c *Controller) answer(w http.ResponseWriter, r *http.Request, id string, done sql.Result, err error, status string) {
	if err != nil {
		fail(w, err)
		return
	}
	if n, _ := done.RowsAffected(); n > 0 {
		reply(w, http.StatusOK, map[string]string{"status": status})
		return
	}
	err = c.db.QueryRowContext(r.Context(), "select id from workspaces where id = $1 and status <> 'removed'", id).Scan(new(string))
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusUnauthorized, map[string]string{"error": "the token is not that of the workspace's current boot"})
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
func (c *Controller) next(status string, q beat) string {
	switch status {
	case "failed":
		if c.opt.Bugs.StickyFailed {
			return status
		}
	case "online":
		if q.ErrorRate >= 0.5 || q.State == "wedged" {
			return "degraded"
		}
	case "degraded":
		if q.ErrorRate >= 0.1 || q.State == "wedged" {
			return status
		}
	}
	return "online"
}

func (c *Controller) heartbeat(w http.ResponseWriter, r *http.Request) {
	var q beat
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	tx, err := c.db.BeginTx(r.Context(), nil)
	if err != nil {
		fail(w, err)
		return
	}
	defer tx.Rollback() //nolint:errcheck // it was committed, or something worse is told
	var status string
	var token string
	read := "select status, token from workspaces where id = $1 for update"
	if c.opt.Bugs.BlindHeartbeat {
		read = "select status, token from workspaces where id = $1"
	}
	if err := tx.QueryRowContext(r.Context(), read, q.ID).Scan(&status, &token); err != nil {
		fail(w, err)
		return
	}
	switch {
	case status == "removed":
		reply(w, http.StatusNotFound, map[string]string{"error": "it was removed"})
		return
	case token != bearer(r):
		reply(w, http.StatusUnauthorized, map[string]string{"error": "the token is not that of the workspace's current boot"})
		return
	}
	_, err = tx.ExecContext(r.Context(), `update workspaces set status = $2, cause = case when $2 = 'failed' then cause else '' end,
		last_seen = now(), error_rate = $3, tasks = $4, task = $5, uptime = $6, sample_error = $7 where id = $1`,
		q.ID, c.next(status, q), q.ErrorRate, q.Tasks, q.Task, q.Uptime, q.Sample)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, http.StatusOK, map[string]string{"status": "ok"})
}

func (c *Controller) updateCard(w http.ResponseWriter, r *http.Request) {
	var q struct {
		ID   string          `json:"workspace_id"`
		Card json.RawMessage `json:"agent_card"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	done, err := c.db.ExecContext(r.Context(), "update workspaces set card = $3 where id = $1 and token = $2 and status <> 'removed'",
		q.ID, bearer(r), string(q.Card))
	c.answer(w, r, q.ID, done, err, "updated")
}

// sweepSilent writes off those that were not heard of for the TTL.
func (c *Controller) sweepSilent(ctx context.Context) error {
	const silent = "status in ('online', 'degraded') and last_seen < now() - $1 * interval '1 second'"
	if !c.opt.Bugs.ListSweep {
		_, err := c.db.ExecContext(ctx, "update workspaces set status = 'offline' where "+silent, c.opt.TTL.Seconds())
		return err
	}
	rows, err := c.db.QueryContext(ctx, "select id from workspaces where "+silent, c.opt.TTL.Seconds())
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was read
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := c.db.ExecContext(ctx, "update workspaces set status = 'offline' where id = $1", id); err != nil {
			return err
		}
	}
	return nil
}

// sweepBoots gives up those that have booted for longer than the budget.
func (c *Controller) sweepBoots(ctx context.Context) error {
	_, err := c.db.ExecContext(ctx, `update workspaces set status = 'failed', cause = 'the boot took longer than its budget'
		where status = 'provisioning' and boot_since < now() - (case runtime when 'hermes' then $2::float8 else $1::float8 end) * interval '1 second'`,
		c.opt.Budget.Seconds(), c.opt.SlowBudget.Seconds())
	return err
}

// launch asks for the machines that are wanted, and ends those that are not.
func (c *Controller) launch(ctx context.Context) error {
	rows, err := c.db.QueryContext(ctx, `select id, boot, cleared, status, token from workspaces
		where status = 'provisioning' and machine is null or cleared < boot - 1 or status = 'removed' and cleared <= boot order by id`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was read
	type job struct {
		id            string
		boot, cleared int
		status, token string
	}
	var jobs []job
	for rows.Next() {
		var j job
		if err := rows.Scan(&j.id, &j.boot, &j.cleared, &j.status, &j.token); err != nil {
			return err
		}
		jobs = append(jobs, j)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, j := range jobs {
		if j.status == "removed" || j.cleared < j.boot-1 {
			// Whatever was launched before is unwanted, also where nobody wrote down that it was.
			if err := c.ask(ctx, http.MethodDelete, "/cp/workspaces/"+j.id, nil, nil); err != nil {
				c.opt.Log.Error("ending machines", "workspace", j.id, "err", err)
				continue
			}
			done := j.boot - 1
			if j.status == "removed" {
				done = j.boot + 1
			}
			if _, err := c.db.ExecContext(ctx, "update workspaces set cleared = $2 where id = $1 and boot = $3", j.id, done, j.boot); err != nil {
				return err
			}
		}
		if j.status != "provisioning" {
			continue
		}
		// It may have been restarted or removed since it was listed: many launches take a while.
		err := c.db.QueryRowContext(ctx, "select id from workspaces where id = $1 and boot = $2 and status = 'provisioning'", j.id, j.boot).Scan(new(string))
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		var m struct {
			ID string `json:"instance_id"`
		}
		order := map[string]any{"workspace_id": j.id, "env": map[string]string{"WORKSPACE_AUTH_TOKEN": j.token, "BOOT": strconv.Itoa(j.boot)}}
		if err := c.ask(ctx, http.MethodPost, "/cp/workspaces/provision", order, &m); err != nil {
			c.opt.Log.Error("launching", "workspace", j.id, "err", err)
			continue
		}
		if _, err := c.db.ExecContext(ctx, "update workspaces set machine = $2 where id = $1 and boot = $3", j.id, m.ID, j.boot); err != nil {
			return err
		}
	}
	return nil
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
	case r.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s", method, path, r.Status)
	case answer != nil:
		return json.NewDecoder(r.Body).Decode(answer)
	}
	return nil
}
