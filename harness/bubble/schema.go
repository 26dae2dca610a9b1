package bubble

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// searchPath has the functions of this package's schema stand before Postgres' own, and tables be created in public all the same.
const searchPath = `"$user", public, bootrace, pg_catalog`

// settings are those of the server that bubbles keep their rows in.
var settings = map[string]string{
	"search_path":      searchPath,
	"deadlock_timeout": neverLooks,
	"bootrace.now":     "2026-01-01 00:00:00+00",
	"bootrace.clock":   "2026-01-01 00:00:00+00",
	"max_connections":  "400",
}

// schema shadows what reads the machine's clock or its randomness.
const schema = `
create schema if not exists bootrace;
grant usage on schema bootrace to public;
create sequence bootrace.drawn;

create function bootrace.now() returns timestamptz language sql stable as
	$$select current_setting('bootrace.now')::timestamptz$$;
create function bootrace.transaction_timestamp() returns timestamptz language sql stable as
	$$select current_setting('bootrace.now')::timestamptz$$;
create function bootrace.clock() returns timestamptz language sql volatile as
	$$select current_setting('bootrace.clock')::timestamptz$$;
create function bootrace.statement_timestamp() returns timestamptz language sql volatile as 'select bootrace.clock()';
create function bootrace.clock_timestamp() returns timestamptz language sql volatile as 'select bootrace.clock()';
create function bootrace.timeofday() returns text language sql volatile as 'select bootrace.clock()::text';
create function bootrace.age(timestamptz) returns interval language sql stable as
	$$select pg_catalog.age(bootrace.now()::date::timestamptz, $1)$$;
create function bootrace.age(timestamp) returns interval language sql stable as
	$$select pg_catalog.age(bootrace.now()::date::timestamp, $1)$$;
create function bootrace.gen_random_uuid() returns uuid language sql volatile as
	$$select overlay(overlay(md5('bootrace ' || nextval('bootrace.drawn')) placing '4' from 13) placing '8' from 17)::uuid$$;
create function bootrace.random() returns double precision language sql volatile as
	$$select ('x' || substr(md5('bootrace ' || nextval('bootrace.drawn')), 1, 8))::bit(32)::bigint / 4294967296.0::double precision$$;
create function bootrace.pg_sleep(double precision) returns void language plpgsql as
	$$begin raise exception 'pg_sleep stops virtual time for everybody: sleep in Go' using errcode = '0A000'; end$$;

create table bootrace.moves (seq bigserial primary key, pid int not null default pg_backend_pid(), id text not null, name text, incarnation text, was text, is_now text);
grant all on all tables in schema bootrace to public;
grant all on all sequences in schema bootrace to public;
`

// install puts the schema into the database.
func install(ctx context.Context, url string) error {
	c, err := pgconn.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it is thrown away
	return c.Exec(ctx, schema).Close()
}

// Rows says where the controller keeps its workspaces.
type Rows struct {
	// Table has a row for each workspace. ID, Name and Status are its columns; a row that is deleted is removed.
	Table, ID, Name, Status string
	// Incarnation is the column that counts a workspace's boots; empty where there is none: then every move to provisioning is one.
	Incarnation string
	// Cause and Machine are the columns of a failure's cause and of the machine's id; empty where there are none.
	Cause, Machine string
	// Words are the controller's words for the contract's statuses, where they are others.
	Words map[string]string
}

// ident quotes a name that may have a schema in front of it.
func ident(name string) string { return pgx.Identifier(strings.Split(name, ".")).Sanitize() }

// column is the expression of a column of the row, or of nothing.
func column(row, name string) string {
	if name == "" {
		return "null::text"
	}
	return row + "." + pgx.Identifier{name}.Sanitize() + "::text"
}

// probe is the trigger that notes every move of a row.
func (r Rows) probe() string {
	moved := "old." + pgx.Identifier{r.Status}.Sanitize() + " is not distinct from new." + pgx.Identifier{r.Status}.Sanitize()
	if r.Incarnation != "" {
		c := pgx.Identifier{r.Incarnation}.Sanitize()
		moved += fmt.Sprintf(" and old.%s is not distinct from new.%s", c, c)
	}
	note := func(row, was, is string) string {
		return fmt.Sprintf("insert into bootrace.moves (id, name, incarnation, was, is_now) values (%s, %s, %s, %s, %s);",
			column(row, r.ID), column(row, r.Name), column(row, r.Incarnation), was, is)
	}
	old, now := column("old", r.Status), column("new", r.Status)
	return fmt.Sprintf(`
create function bootrace.moved() returns trigger language plpgsql security definer as $bootrace$
begin
	if tg_op = 'INSERT' then
		%s
	elsif tg_op = 'DELETE' then
		%s
	elsif %s then
		return null;
	else
		%s
	end if;
	return null;
end $bootrace$;
create trigger bootrace_moved after insert or update or delete on %s for each row execute function bootrace.moved();
`, note("new", "null", now), note("old", old, "null"), moved, note("new", old, now), ident(r.Table))
}

// moves takes the moves that have been committed since the last time, those of one row in their order. That of the rows is the one in
// which they lie in the table, which vacuuming changes when it likes, and nobody sees it: they are committed at once.
const moves = `with taken as (delete from bootrace.moves returning *)
	select id, name, incarnation, was, is_now, pid from taken order by id, seq`

// rows reads all rows.
func (r Rows) rows() string {
	return fmt.Sprintf("select %s, %s, %s, %s, %s, %s from %s r order by 1",
		column("r", r.ID), column("r", r.Name), column("r", r.Status), column("r", r.Incarnation), column("r", r.Cause),
		column("r", r.Machine), ident(r.Table))
}
