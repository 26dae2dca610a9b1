package bubble

import "testing"

// TestVirtual replaces the keywords that read the clock, and nothing else.
func TestVirtual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ sql, want string }{
		{"select CURRENT_TIMESTAMP", "select bootrace.now()"},
		{"select current_timestamp(3), 1", "select bootrace.now(), 1"},
		{"select current_timestamp (3)", "select bootrace.now()"},
		{"insert into t values (localtimestamp, current_date, localtime, current_time)",
			"insert into t values ((bootrace.now()::timestamp), (bootrace.now()::date), (bootrace.now()::time), (bootrace.now()::timetz))"},
		{"select 'current_timestamp', \"current_date\"", "select 'current_timestamp', \"current_date\""},
		{"select 'it''s current_date', current_date", "select 'it''s current_date', (bootrace.now()::date)"},
		{`select e'\' current_date', current_date`, `select e'\' current_date', (bootrace.now()::date)`},
		{"select 1 -- current_date\n, current_date", "select 1 -- current_date\n, (bootrace.now()::date)"},
		{"select /* a /* current_date */ current_date */ current_date", "select /* a /* current_date */ current_date */ (bootrace.now()::date)"},
		{"do $x$ begin perform current_date; end $x$", "do $x$ begin perform current_date; end $x$"},
		{"select $1, current_date, $2", "select $1, (bootrace.now()::date), $2"},
		{"select t.current_date from t", "select t.current_date from t"},
		{"select current_dates, my_current_date", "select current_dates, my_current_date"},
		{"select current_date(", "select (bootrace.now()::date)("},
		{"select 'current_date", "select 'current_date"},
	} {
		if got := virtual(c.sql); got != c.want {
			t.Errorf("%s\n became %s\n want   %s", c.sql, got, c.want)
		}
	}
}

func TestFirstWord(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"SELECT 1": "select", " (select 1)": "select", "-- name: Get :one\nUPDATE x": "update", "/* a /* b */ */ -- c\n delete": "delete", "-- ping": "",
	} {
		if got := firstWord(sql); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
