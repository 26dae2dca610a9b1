package gin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

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
	token        text not null,
	request      uuid unique, -- of the call that created it
	url          text not null default '',
	card         jsonb not null default '{}',
	active_tasks int not null default 0,
	task         text not null default '',
	uptime       bigint not null default 0,
	error_rate   double precision not null default 0,
	sample_error text not null default '',
	machine      text,
	attempts     int not null default 0, -- to launch the current boot
	cleared      int not null default 0, -- the boot up to which machines were ended
	created_at   timestamptz not null default now()
)`

// db is a pool, a connection or a transaction.
type db interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// queries are the statements, each a method.
type queries struct{ db db }

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

const columns = "id::text, name, runtime, model, template, tier, status, cause, url, card, active_tasks, task, uptime, error_rate, sample_error"

const createWorkspace = `-- name: CreateWorkspace
insert into workspaces (name, runtime, model, template, tier, token, request) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (request) do update set name = excluded.name returning id::text`

func (q queries) createWorkspace(ctx context.Context, w *workspace, token string, request *string) (id string, err error) {
	err = q.db.QueryRow(ctx, createWorkspace, w.Name, w.Runtime, w.Model, w.Template, w.Tier, token, request).Scan(&id)
	return id, err
}

const getWorkspace = "-- name: GetWorkspace\nselect " + columns + " from workspaces where id = $1"

func (q queries) getWorkspace(ctx context.Context, id string) (workspace, error) {
	rows, err := q.db.Query(ctx, getWorkspace, id)
	if err != nil {
		return workspace{}, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[workspace])
}

const listWorkspaces = "-- name: ListWorkspaces\nselect " + columns + " from workspaces where status <> 'removed' order by created_at, id"

func (q queries) listWorkspaces(ctx context.Context) ([]workspace, error) {
	rows, err := q.db.Query(ctx, listWorkspaces)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[workspace])
}

const removeWorkspace = `-- name: RemoveWorkspace
update workspaces set status = 'removed', token = '', cause = '' where id = $1`

func (q queries) removeWorkspace(ctx context.Context, id string) (int64, error) {
	tag, err := q.db.Exec(ctx, removeWorkspace, id)
	return tag.RowsAffected(), err
}

const restartWorkspace = `-- name: RestartWorkspace
update workspaces set status = 'provisioning', boot = boot + 1, boot_since = now(), attempts = 0, token = $2, machine = null, last_seen = null,
	cause = '', url = '', card = '{}', active_tasks = 0, task = '', uptime = 0, error_rate = 0, sample_error = ''
where id = $1 and status <> 'removed'`

func (q queries) restartWorkspace(ctx context.Context, id, token string) (int64, error) {
	tag, err := q.db.Exec(ctx, restartWorkspace, id, token)
	return tag.RowsAffected(), err
}

// agent is what a call of an agent's goes by.
type agent struct{ Status, Token string }

const lockAgent = `-- name: LockAgent
select status, token from workspaces where id = $1 for update`

const readAgent = `-- name: ReadAgent
select status, token from workspaces where id = $1`

func (q queries) agent(ctx context.Context, id string, lock bool) (a agent, err error) {
	sql := readAgent
	if lock {
		sql = lockAgent
	}
	err = q.db.QueryRow(ctx, sql, id).Scan(&a.Status, &a.Token)
	return a, err
}

const recordBeat = `-- name: RecordBeat
update workspaces set status = $2, cause = '', last_seen = now(), error_rate = $3, active_tasks = $4, task = $5, uptime = $6, sample_error = $7
where id = $1`

func (q queries) recordBeat(ctx context.Context, status string, b *beat) error {
	_, err := q.db.Exec(ctx, recordBeat, b.ID, status, b.ErrorRate, b.Tasks, b.Task, b.Uptime, b.Sample)
	return err
}

const recordAgent = `-- name: RecordAgent
update workspaces set status = $2, cause = '', url = $3, card = $4, last_seen = now() where id = $1`

func (q queries) recordAgent(ctx context.Context, id, status, url string, card json.RawMessage) error {
	_, err := q.db.Exec(ctx, recordAgent, id, status, url, card)
	return err
}

const recordCard = `-- name: RecordCard
update workspaces set card = $2 where id = $1`

func (q queries) recordCard(ctx context.Context, id string, card json.RawMessage) error {
	_, err := q.db.Exec(ctx, recordCard, id, card)
	return err
}

const expireBoots = `-- name: ExpireBoots
update workspaces set status = 'failed', cause = 'the boot took longer than its budget'
where status = 'provisioning' and boot_since < now() - (case runtime when 'hermes' then $2::interval else $1::interval end)`

func (q queries) expireBoots(ctx context.Context, budget, slow time.Duration) error {
	_, err := q.db.Exec(ctx, expireBoots, budget, slow)
	return err
}

const expireSilent = `-- name: ExpireSilent
update workspaces set status = 'offline' where status in ('online', 'degraded') and last_seen < now() - $1::interval`

func (q queries) expireSilent(ctx context.Context, ttl time.Duration) error {
	_, err := q.db.Exec(ctx, expireSilent, ttl)
	return err
}

const listOverdue = `-- name: ListOverdue
select id::text from workspaces
where status = 'provisioning' and boot_since < now() - (case runtime when 'hermes' then $2::interval else $1::interval end) order by id`

func (q queries) listOverdue(ctx context.Context, budget, slow time.Duration) ([]string, error) {
	rows, err := q.db.Query(ctx, listOverdue, budget, slow)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

const failBoot = `-- name: FailBoot
update workspaces set status = 'failed', cause = 'the boot took longer than its budget' where id = $1`

func (q queries) failBoot(ctx context.Context, id string) error {
	_, err := q.db.Exec(ctx, failBoot, id)
	return err
}

// job is a workspace whose machines have to be seen to.
type job struct {
	ID            string
	Boot, Cleared int
	Status, Token string
	Attempts      int
}

const listJobs = `-- name: ListJobs
select id::text, boot, cleared, status, token, attempts from workspaces
where status = 'provisioning' and machine is null or cleared < boot - 1 or status = 'removed' and cleared <= boot order by id`

func (q queries) listJobs(ctx context.Context) ([]job, error) {
	rows, err := q.db.Query(ctx, listJobs)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[job])
}

const recordCleared = `-- name: RecordCleared
update workspaces set cleared = $2 where id = $1 and boot = $3`

func (q queries) recordCleared(ctx context.Context, j job, done int) error {
	_, err := q.db.Exec(ctx, recordCleared, j.ID, done, j.Boot)
	return err
}

const beginLaunch = `-- name: BeginLaunch
update workspaces set attempts = attempts + 1 where id = $1 and boot = $2 and status = 'provisioning' and machine is null`

func (q queries) beginLaunch(ctx context.Context, j job) (int64, error) {
	tag, err := q.db.Exec(ctx, beginLaunch, j.ID, j.Boot)
	return tag.RowsAffected(), err
}

const recordMachine = `-- name: RecordMachine
update workspaces set machine = $2 where id = $1 and boot = $3`

func (q queries) recordMachine(ctx context.Context, j job, machine string) error {
	_, err := q.db.Exec(ctx, recordMachine, j.ID, machine, j.Boot)
	return err
}
