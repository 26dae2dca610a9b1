-- The tables of the reference controller's store.
--
-- The two enums repeat the names of package lifecycle, in its order; a test compares them. What an event may do to a
-- status is not here: the guards are generated from lifecycle's table when the store is opened.
--
-- NULL is "has not happened" for a time and "there is none" for a token, a card and a parent. There is no DEFAULT that
-- reads a clock, and no foreign key: a row is never deleted, every log row is written by the statement that moved its
-- workspace, and the parent is checked and locked by the statement that creates its child, so a key would only add a
-- trigger and a lock to each of these.

-- +goose Up
CREATE TYPE workspace_status AS ENUM (
    'provisioning', 'awaiting_agent', 'online', 'degraded', 'offline', 'failed', 'paused', 'hibernating', 'hibernated',
    'removed'
);

CREATE TYPE workspace_event AS ENUM (
    'create', 'create_external', 'create_awaiting', 'register', 'beat', 'beat_rough', 'beat_sick', 'provision_timeout',
    'launch_failed', 'bootstrap_failed', 'silence', 'pause', 'resume', 'resume_external', 'hibernate',
    'machine_stopped', 'wake', 'restart', 'remove'
);

-- A heartbeat rewrites its row, so pages keep room for the next version (fillfactor): then the version stays on its
-- page and no index is touched (a HOT update). That also needs that no column which a heartbeat changes is in any index,
-- neither as a key nor in a WHERE: so there is none on last_seen_at.
CREATE TABLE workspaces (
    id                  uuid PRIMARY KEY,
    created_at          timestamptz,
    updated_at          timestamptz,
    boot_started_at     timestamptz,
    boot_deadline       timestamptz,
    last_seen_at        timestamptz,
    launch_after        timestamptz,
    incarnation         bigint NOT NULL,
    machine_incarnation bigint NOT NULL,
    launch_attempts     bigint NOT NULL,
    tier                bigint NOT NULL,
    active_tasks        bigint NOT NULL,
    uptime_seconds      bigint NOT NULL,
    error_rate          double precision NOT NULL,
    status              workspace_status NOT NULL,
    -- The status before the row's last write of status. Only the statement that has just written it reads it, in its
    -- RETURNING, where Postgres before 18 cannot name old values.
    was                 workspace_status,
    external            boolean NOT NULL,
    token_confirmed     boolean NOT NULL,
    parent_id           uuid,
    token_hash          bytea,
    name                text NOT NULL,
    runtime             text NOT NULL,
    model               text NOT NULL,
    template            text NOT NULL,
    url                 text NOT NULL,
    machine_id          text NOT NULL,
    cause               text NOT NULL,
    sample_error        text NOT NULL,
    current_task        text NOT NULL,
    runtime_state       text NOT NULL,
    launch_error        text NOT NULL,
    -- The card's bytes as the agent sent them. Not jsonb, which rewrites them; not json or text, which refuse what Go's
    -- decoder lets through in a raw message (a string that is no UTF-8).
    card                bytea
) WITH (fillfactor = 80);

-- The sweeps' indexes are partial, so that they hold only what is due sooner or later. Their conditions repeat statuses;
-- a statement whose guard, generated from an altered table, does not imply them still is right, only slower.
CREATE INDEX workspaces_boots ON workspaces (boot_deadline, id) WHERE status = 'provisioning';
CREATE INDEX workspaces_launches ON workspaces (boot_started_at NULLS FIRST, id)
    WHERE status = 'provisioning' AND NOT external AND machine_id = '';
CREATE INDEX workspaces_unwanted ON workspaces (id)
    WHERE status = 'hibernating'
       OR machine_id <> '' AND (status NOT IN ('provisioning', 'online', 'degraded', 'offline', 'failed')
                                OR machine_incarnation <> incarnation);
CREATE INDEX workspaces_children ON workspaces (parent_id, created_at NULLS FIRST, id)
    WHERE parent_id IS NOT NULL AND status <> 'removed';
-- Removed rows stay for ever; what walks over the living ones must not walk over those.
CREATE INDEX workspaces_living ON workspaces (created_at NULLS FIRST, id) WHERE status <> 'removed';

CREATE TABLE transitions (
    seq          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace_id uuid NOT NULL,
    incarnation  bigint NOT NULL,
    at           timestamptz,
    event        workspace_event NOT NULL,
    from_status  workspace_status,
    to_status    workspace_status NOT NULL,
    cause        text NOT NULL
);
CREATE INDEX transitions_workspace ON transitions (workspace_id, seq);

-- Called in the RETURNING of a statement that moved a workspace: the log row is written by the statement that moved the
-- row, while it holds the row's lock, so that seq ascends in commit order for one workspace. A function and not a second
-- data-modifying WITH, because its cost is then paid only by the few statements that move something.
-- +goose StatementBegin
CREATE FUNCTION log_transition(
    which uuid, new_incarnation bigint, by_event workspace_event, old_status workspace_status,
    new_status workspace_status, why text, moved_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    logged bigint;
BEGIN
    INSERT INTO transitions (workspace_id, incarnation, at, event, from_status, to_status, cause)
    VALUES (which, new_incarnation, moved_at, by_event, old_status, new_status, why)
    RETURNING seq INTO logged;
    RETURN logged;
END
$$;
-- +goose StatementEnd

-- Moves one workspace, with its log row. For sweeps, which call it once for each row that they have locked, in the order
-- in which they promise to move them: an UPDATE … FROM moves rows in whatever order its join yields.
-- +goose StatementBegin
CREATE FUNCTION move_workspace(
    which uuid, by_event workspace_event, new_status workspace_status, why text, moved_at timestamptz
) RETURNS transitions LANGUAGE plpgsql AS $$
DECLARE
    moved transitions;
BEGIN
    UPDATE workspaces
    SET was = status, status = new_status, updated_at = moved_at,
        cause = CASE WHEN new_status = 'failed' THEN why ELSE '' END
    WHERE id = which
    RETURNING id, workspaces.incarnation, was INTO moved.workspace_id, moved.incarnation, moved.from_status;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO transitions (workspace_id, incarnation, at, event, from_status, to_status, cause)
    VALUES (which, moved.incarnation, moved_at, by_event, moved.from_status, new_status, why)
    RETURNING * INTO moved;
    RETURN moved;
END
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION move_workspace, log_transition;
DROP TABLE transitions, workspaces;
DROP TYPE workspace_event, workspace_status;
