package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
)

// probeCode is the SQLSTATE that the probe's notices carry. The class is nobody's in Postgres.
const probeCode = "BR001"

// probe makes every statement that moves a row say so to the client that ran it, by a notice. A notice comes with the
// reply that is on its way anyhow, so that an observer costs no round trip; and it comes from the row, not from the code
// that means to have moved it. Moves of a move's own kind are told in the order in which they were made.
var probe = `
CREATE OR REPLACE FUNCTION bootrace_probe() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE USING ERRCODE = '` + probeCode + `', MESSAGE = format('%s %s %s %s', NEW.id, NEW.incarnation,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.status::text ELSE '-' END, NEW.status);
    RETURN NULL;
END
$$;
` + onMoves("bootrace_probe")

// InstallProbe adds the triggers that an observer (see Observe) hears of rows' moves by. It is for a harness, in its own
// database: a controller's database has no use for them, and Migrate never installs them. Installing twice is no error.
func InstallProbe(ctx context.Context, url string) error {
	return install(ctx, url, "probe", probe)
}

// onMoves are the triggers by which a function of the name is called for every move of a row.
func onMoves(function string) string {
	return `
CREATE OR REPLACE TRIGGER ` + function + `_insert AFTER INSERT ON workspaces
    FOR EACH ROW EXECUTE FUNCTION ` + function + `();
CREATE OR REPLACE TRIGGER ` + function + `_update AFTER UPDATE OF status, incarnation ON workspaces
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.incarnation IS DISTINCT FROM NEW.incarnation)
    EXECUTE FUNCTION ` + function + `();`
}

// install runs the SQL that adds something to a database for a harness.
func install(ctx context.Context, url, what, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("postgres: install %s: %w", what, err)
	}
	defer conn.Close(ctx) //nolint:errcheck // what counts has been committed by then
	if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("postgres: install %s: %w", what, err)
	}
	return nil
}

// ear keeps what one connection's probe notices said in the call under way.
type ear struct {
	heard []store.RowChange
	err   error
}

const earKey = "bootrace ear"

func attachEar(_ context.Context, conn *pgx.Conn) error {
	conn.PgConn().CustomData()[earKey] = &ear{}
	return nil
}

func earOf(pc *pgconn.PgConn) *ear {
	e, _ := pc.CustomData()[earKey].(*ear)
	return e
}

// hearProbe is called by pgconn with every notice, while it reads a reply.
func hearProbe(pc *pgconn.PgConn, n *pgconn.Notice) {
	e := earOf(pc)
	if e == nil || n.Code != probeCode {
		return
	}
	change, err := parseNotice(n.Message)
	if err != nil {
		e.err = err
		return
	}
	e.heard = append(e.heard, change)
}

func parseNotice(message string) (c store.RowChange, err error) {
	var fields [4]string
	rest := message
	for i := range fields {
		fields[i], rest, _ = strings.Cut(rest, " ")
	}
	if c.WorkspaceID, err = uuid.Parse(fields[0]); err != nil {
		return c, fmt.Errorf("probe said %q: %w", message, err)
	}
	if c.Incarnation, err = strconv.Atoi(fields[1]); err != nil {
		return c, fmt.Errorf("probe said %q: %w", message, err)
	}
	if fields[2] != "-" {
		if c.From, err = lifecycle.ParseStatus(fields[2]); err != nil {
			return c, fmt.Errorf("probe said %q: %w", message, err)
		}
	}
	if c.To, err = lifecycle.ParseStatus(fields[3]); err != nil {
		return c, fmt.Errorf("probe said %q: %w", message, err)
	}
	return c, nil
}

// settle ends a call on the connection: it tells the observer what the call did to rows, where it succeeded and has
// committed, and forgets it where not. It returns the call's error.
func (s *Store) settle(conn *pgxpool.Conn, err error) error {
	if s.observe == nil {
		return err
	}
	pc := conn.Conn().PgConn()
	e := earOf(pc)
	if err == nil {
		err = e.err
	}
	if err == nil && pc.TxStatus() == 'I' && len(e.heard) > 0 {
		s.observing.Lock()
		for _, change := range e.heard {
			s.observe(change)
		}
		s.observing.Unlock()
	}
	e.heard, e.err = e.heard[:0], nil
	return err
}
