package redis

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// expire gives up the boots that took too long.
func (s *Server) expire(ctx context.Context) error {
	_, err := s.DB.ExecContext(ctx, "update agents set state = 'failed', reason = 'the boot missed its deadline' where state = 'booting' and deadline <= LOCALTIMESTAMP")
	return err
}

// watch writes off those whose key has expired.
func (s *Server) watch(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, "select id, version from agents where state in ('up', 'sick') order by id")
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was read
	versions := map[string]int{}
	var ids []string
	for rows.Next() {
		var id string
		var version int
		if err := rows.Scan(&id, &version); err != nil {
			return err
		}
		ids = append(ids, id)
		versions[id] = version
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		n, err := s.Redis.Exists(ctx, key(id)).Result()
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		_, err = s.DB.ExecContext(ctx, "update agents set state = 'gone' where id = $1 and (version = $2 or $3)", id, versions[id], s.StaleSweep)
		if err != nil {
			return err
		}
	}
	return nil
}

// launch asks for the machines that are wanted, and ends those that are not.
func (s *Server) launch(ctx context.Context) error {
	rows, err := s.DB.QueryContext(ctx, `select id, generation, swept, state, secret, tried from agents
		where state = 'booting' and machine = '' or swept < generation - 1 or state = 'removed' and swept <= generation order by id`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // it was read
	type job struct {
		id, state, secret string
		generation, swept int
		tried             bool
	}
	var jobs []job
	for rows.Next() {
		var j job
		if err := rows.Scan(&j.id, &j.generation, &j.swept, &j.state, &j.secret, &j.tried); err != nil {
			return err
		}
		jobs = append(jobs, j)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, j := range jobs {
		if done := j.generation - 1; j.state == "removed" || j.swept < done || j.tried {
			if j.state == "removed" {
				done = j.generation + 1
			}
			if err := s.ask(ctx, http.MethodDelete, "/cp/workspaces/"+j.id, nil, nil); err != nil {
				s.Log.Warn("ending machines", "agent", j.id, "err", err)
				continue
			}
			if _, err := s.DB.ExecContext(ctx, "update agents set swept = $2 where id = $1 and generation = $3", j.id, done, j.generation); err != nil {
				return err
			}
		}
		if j.state != "booting" {
			continue
		}
		// It may have been restarted or removed since it was listed.
		done, err := s.DB.ExecContext(ctx, "update agents set tried = true where id = $1 and generation = $2 and state = 'booting'", j.id, j.generation)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); n == 0 || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		var made struct {
			ID string `json:"instance_id"`
		}
		order := object{"workspace_id": j.id, "env": map[string]string{"WORKSPACE_AUTH_TOKEN": j.secret, "GENERATION": strconv.Itoa(j.generation)}}
		if err := s.ask(ctx, http.MethodPost, "/cp/workspaces/provision", order, &made); err != nil {
			s.Log.Warn("launching", "agent", j.id, "err", err)
			continue
		}
		if _, err := s.DB.ExecContext(ctx, "update agents set machine = $2 where id = $1 and generation = $3", j.id, made.ID, j.generation); err != nil {
			return err
		}
	}
	return nil
}

// ask calls the control plane. What is not there need not be ended.
func (s *Server) ask(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	q, err := http.NewRequestWithContext(ctx, method, s.ControlPlane+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r, err := s.Client.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close() //nolint:errcheck // it was read
	switch {
	case r.StatusCode == http.StatusNotFound && method == http.MethodDelete:
		return nil
	case r.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("%s %s: %s", method, path, r.Status)
	case answer != nil:
		return json.NewDecoder(r.Body).Decode(answer)
	}
	return nil
}
