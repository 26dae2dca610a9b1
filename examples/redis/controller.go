// Package redis is a small workspace controller as one writes it with database/sql and go-redis: rows in Postgres, and liveness in keys
// that expire. It knows nothing of any test harness.
package redis

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Config is what the controller is told from outside.
type Config struct {
	DB           *sql.DB
	Redis        *redis.Client
	Budget       func(runtime string) time.Duration // of a boot
	TTL          time.Duration                      // of an agent's silence
	ControlPlane string
	Client       *http.Client
	Log          *slog.Logger

	// Trusting writes what an agent says without asking again whether it is still the one it was.
	Trusting bool
	// StaleSweep writes offline whoever had no key when it looked.
	StaleSweep bool
}

// Server serves the calls of operators and agents.
type Server struct {
	Config
	routes *http.ServeMux
}

const tables = `
create table if not exists agents (
	id         uuid primary key default gen_random_uuid(),
	spec       jsonb not null, -- as it was asked for
	report     jsonb not null default '{}', -- what the agent said last
	address    jsonb not null default '{}',
	name       text not null,
	state      text not null default 'booting',
	reason     text not null default '',
	generation int not null default 1,
	deadline   timestamp not null,
	version    int not null default 0, -- counts proofs of life
	secret     text not null,
	machine    text not null default '',
	tried      boolean not null default false, -- to launch this generation
	swept      int not null default 0, -- generations whose machines were ended
	created_at timestamp not null default LOCALTIMESTAMP
)`

// words are the states as clients know them.
var words = map[string]string{"booting": "provisioning", "up": "online", "sick": "degraded", "gone": "offline", "failed": "failed", "removed": "removed"}

// errRefused is the answer to who has not the generation's secret.
var errRefused = errors.New("the token is not that of the current generation")

// Start migrates the database and starts the loops, which end with the context.
func Start(ctx context.Context, c Config) (*Server, error) {
	if _, err := c.DB.ExecContext(ctx, tables); err != nil {
		return nil, fmt.Errorf("migrating: %w", err)
	}
	s := &Server{Config: c, routes: http.NewServeMux()}
	for pattern, serve := range map[string]func(*http.Request) (any, error){
		"POST /workspaces": s.create, "GET /workspaces": s.list, "GET /workspaces/{id}": s.get, "GET /workspaces/{id}/state": s.state,
		"DELETE /workspaces/{id}": s.remove, "POST /workspaces/{id}/restart": s.restart, "POST /registry/register": s.register,
		"POST /registry/heartbeat": s.heartbeat, "POST /registry/update-card": s.updateCard,
		"GET /health": func(*http.Request) (any, error) { return map[string]string{"status": "ok"}, nil },
	} {
		s.routes.HandleFunc(pattern, answer(serve))
	}
	go s.loop(ctx, 5*time.Second, s.launch)
	go s.loop(ctx, 10*time.Second, s.watch)
	go s.loop(ctx, 30*time.Second, s.expire)
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

func (s *Server) loop(ctx context.Context, every time.Duration, turn func(context.Context) error) {
	for ctx.Err() == nil {
		if err := turn(ctx); err != nil {
			s.Log.Error("loop", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}

// answer has the handler's result be the reply.
func answer(serve func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := serve(r)
		code := http.StatusOK
		var bad *json.SyntaxError
		switch {
		case errors.Is(err, sql.ErrNoRows):
			code = http.StatusNotFound
		case errors.Is(err, errRefused):
			code = http.StatusUnauthorized
		case errors.As(err, &bad):
			code = http.StatusBadRequest
		case err != nil:
			code = http.StatusInternalServerError
		case r.Method == http.MethodPost && r.URL.Path == "/workspaces":
			code = http.StatusCreated
		}
		if err != nil {
			body = map[string]string{"error": err.Error()}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		json.NewEncoder(w).Encode(body) //nolint:errcheck // the client is gone
	}
}

// object is what a client said, or is told.
type object = map[string]any

func (s *Server) create(r *http.Request) (any, error) {
	var spec object
	if err := json.NewDecoder(r.Body).Decode(&spec); err != nil {
		return nil, err
	}
	runtime, _ := spec["runtime"].(string)
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	var id string
	err = s.DB.QueryRowContext(r.Context(), `insert into agents (spec, name, deadline, secret) values ($1, $1::jsonb->>'name', $2, $3) returning id`,
		text, time.Now().UTC().Add(s.Budget(runtime)), rand.Text()).Scan(&id)
	return object{"id": id, "status": "provisioning"}, err
}

const selectAgent = `select id, state, reason, spec || report || address ||
	jsonb_build_object('last_error_rate', coalesce(report->'error_rate', '0'), 'last_sample_error', coalesce(report->'sample_error', '""')) from agents`

// scan reads a row as clients are told it.
func scan(row interface{ Scan(...any) error }) (object, error) {
	var id, state, reason string
	var text []byte
	if err := row.Scan(&id, &state, &reason, &text); err != nil {
		return nil, err
	}
	all := object{}
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	all["id"], all["status"], all["failure_cause"] = id, words[state], reason
	delete(all, "workspace_id")
	return all, nil
}

func (s *Server) get(r *http.Request) (any, error) {
	return scan(s.DB.QueryRowContext(r.Context(), selectAgent+" where id = $1", r.PathValue("id")))
}

func (s *Server) state(r *http.Request) (any, error) {
	a, err := scan(s.DB.QueryRowContext(r.Context(), selectAgent+" where id = $1 and state <> 'removed'", r.PathValue("id")))
	return object{"workspace_id": r.PathValue("id"), "status": a["status"], "paused": false, "deleted": false}, err
}

func (s *Server) list(r *http.Request) (any, error) {
	rows, err := s.DB.QueryContext(r.Context(), selectAgent+" where state <> 'removed' order by created_at, id")
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // it was read
	all := []object{}
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

func (s *Server) remove(r *http.Request) (any, error) {
	id := r.PathValue("id")
	err := s.DB.QueryRowContext(r.Context(), "update agents set state = 'removed', secret = '', reason = '' where id = $1 returning id", id).Scan(&id)
	if err == nil {
		s.Redis.Del(r.Context(), key(id)) // or it expires
	}
	return object{"status": "removed"}, err
}

func (s *Server) restart(r *http.Request) (any, error) {
	id := r.PathValue("id")
	var runtime sql.NullString
	if err := s.DB.QueryRowContext(r.Context(), "select spec->>'runtime' from agents where id = $1", id).Scan(&runtime); err != nil {
		return nil, err
	}
	err := s.DB.QueryRowContext(r.Context(), `update agents set state = 'booting', generation = generation + 1, deadline = $2, secret = $3, reason = '', machine = '',
		tried = false, report = '{}', address = '{}', version = version + 1 where id = $1 and state <> 'removed' returning id`,
		id, time.Now().UTC().Add(s.Budget(runtime.String)), rand.Text()).Scan(&id)
	return object{"status": "provisioning"}, err
}

// secret is what the caller shows.
func secret(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// key is the key that lives while the agent does.
func key(id string) string { return "alive:" + id }

// guard is what a row must still be when an agent's word is written, whose secret is the second argument.
func (s *Server) guard() string {
	if s.Trusting {
		return "id = $1 and $2 <> ''"
	}
	return "id = $1 and secret = $2 and state <> 'removed'"
}

// lives has the agent's key live, and then the row say so: a row without a key would be written off.
func (s *Server) lives(r *http.Request, id, update string, args ...any) error {
	ctx := r.Context()
	if err := s.known(ctx, id, secret(r)); err != nil {
		return err
	}
	if err := s.Redis.Set(ctx, key(id), 1, s.TTL).Err(); err != nil {
		return err
	}
	return s.write(r, id, update, args...)
}

// write has the row say what the agent does.
func (s *Server) write(r *http.Request, id, update string, args ...any) error {
	done, err := s.DB.ExecContext(r.Context(), update+" where "+s.guard(), append([]any{id, secret(r)}, args...)...)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		return errors.Join(err, s.known(r.Context(), id, secret(r)))
	}
	return nil
}

// known says why an agent's call changes nothing.
func (s *Server) known(ctx context.Context, id, shown string) error {
	var is string
	err := s.DB.QueryRowContext(ctx, "select secret from agents where id = $1 and state <> 'removed'", id).Scan(&is)
	if err == nil && is != shown {
		err = errRefused
	}
	return err
}

func (s *Server) register(r *http.Request) (any, error) {
	var q struct {
		ID   string          `json:"id"`
		URL  string          `json:"url"`
		Card json.RawMessage `json:"agent_card"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	return object{"status": "registered"}, s.lives(r, q.ID, `update agents set state = case when state = 'sick' then state else 'up' end, reason = '', version = version + 1,
		address = jsonb_build_object('url', $3::text, 'agent_card', $4::jsonb)`, q.URL, string(q.Card))
}

func (s *Server) heartbeat(r *http.Request) (any, error) {
	var q struct {
		ID    string  `json:"workspace_id"`
		Rate  float64 `json:"error_rate"`
		State string  `json:"runtime_state"`
	}
	var report object
	var text json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&text); err != nil {
		return nil, err
	}
	if err := errors.Join(json.Unmarshal(text, &q), json.Unmarshal(text, &report)); err != nil {
		return nil, err
	}
	return object{"status": "ok"}, s.lives(r, q.ID, `update agents set report = $3, reason = '', version = version + 1,
		state = case when state in ('up', 'sick') and ($5 or $4 >= case state when 'sick' then 0.1 else 0.5 end) then 'sick' else 'up' end`, string(text), q.Rate, q.State == "wedged")
}

func (s *Server) updateCard(r *http.Request) (any, error) {
	var q struct {
		ID   string          `json:"workspace_id"`
		Card json.RawMessage `json:"agent_card"`
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		return nil, err
	}
	return object{"status": "updated"}, s.write(r, q.ID, "update agents set address = address || jsonb_build_object('agent_card', $3::jsonb)", string(q.Card))
}
