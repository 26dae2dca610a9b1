package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

const secret = "s3cret/p@ss word"

// foreignServer starts a server that asks for passwords, with roles alice, who may create databases, and bob, who may
// not. It returns a URL for a user and password.
func foreignServer(t *testing.T) (server *Server, urlFor func(user, password string) string) {
	t.Helper()
	server = start(t, Options{})
	c := server.back.(*cluster)
	access := "local all postgres trust\nlocal all all scram-sha-256\n"
	if err := os.WriteFile(filepath.Join(c.data(), "pg_hba.conf"), []byte(access), 0o600); err != nil {
		t.Fatal(err)
	}
	execute(t, server.URL(""),
		"CREATE ROLE alice LOGIN CREATEDB PASSWORD '"+secret+"'",
		"CREATE ROLE bob LOGIN PASSWORD '"+secret+"'",
		"SELECT pg_reload_conf()")
	return server, func(user, password string) string {
		u, err := url.Parse(server.URL(""))
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, password)
		return u.String()
	}
}

func oursOn(t *testing.T, server *Server) int {
	t.Helper()
	return query[int](t, server.URL(""), "SELECT count(*)::int FROM pg_database WHERE datname LIKE 'bootrace%'")
}

func TestForeignServer(t *testing.T) {
	t.Parallel()
	host, urlFor := foreignServer(t)
	ctx := t.Context()
	a, b := start(t, Options{URL: urlFor("alice", secret)}), start(t, Options{URL: urlFor("alice", secret), Source: SourceURL})
	if a.Source != SourceURL || a.Version != host.Version {
		t.Errorf("%s %s", a.Source, a.Version)
	}
	want := fmt.Sprintf("Postgres %s (postgres://alice@/postgres?host=%s)", host.Version, host.back.(*cluster).socket())
	if got := a.Describe(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for _, server := range []*Server{a, b} {
		err := server.Template(ctx, "t", func(ctx context.Context, url string) error {
			return tryExecute(ctx, url, "CREATE TABLE t ()")
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			db, err := server.CreateDatabase(ctx, "t")
			if err != nil {
				t.Fatal(err)
			}
			if !query[bool](t, db.URL, "SELECT to_regclass('t') IS NOT NULL AND current_database() = $1", db.Name) {
				t.Errorf("%s is not a clone", db.Name)
			}
		}
	}
	if n := oursOn(t, host); n != 6 {
		t.Errorf("%d databases", n)
	}
	if err := a.Stop(); err != nil {
		t.Error(err)
	}
	if n := oursOn(t, host); n != 3 {
		t.Errorf("after the first Stop %d databases, not the other's 3", n)
	}
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
	if n := oursOn(t, host); n != 0 {
		t.Errorf("after Stop %d databases", n)
	}
}

// TestForeignServerIsSwept kills a process that uses the server; the next start drops what it left, and what a living
// process has stays.
func TestForeignServerIsSwept(t *testing.T) {
	t.Parallel()
	host, urlFor := foreignServer(t)
	opts := Options{URL: urlFor("alice", secret)}
	killed, alive := startHelper(t, opts), startHelper(t, opts)
	killed.kill()
	execute(t, host.URL(""), "CREATE DATABASE bootrace_of_somebody_else")
	start(t, opts)
	for name, want := range map[string]bool{killed.Database: false, alive.Database: true, "bootrace_of_somebody_else": true} {
		if got := query[bool](t, host.URL(""), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name); got != want {
			t.Errorf("%s is there: %v", name, got)
		}
	}
}

func TestForeignServerThatCannotBeUsed(t *testing.T) {
	host, urlFor := foreignServer(t)
	socket := host.back.(*cluster).socket()
	for _, c := range []struct {
		name, url string
		want      []string
	}{
		{"down", "postgres://alice:hidden%21pw@127.0.0.1:1/postgres?sslmode=disable",
			[]string{"postgres://alice@127.0.0.1:1/postgres", "connection refused", "is the server running"}},
		{"down, keyword form", "host=127.0.0.1 port=1 user=alice password='hidden!pw' sslmode=disable",
			[]string{"postgres://alice@127.0.0.1:1/", "connection refused"}},
		{"wrong password", urlFor("alice", "hidden!pw"),
			[]string{"postgres://alice@/postgres?host=" + socket, "password authentication failed", "check user and password"}},
		{"no such database", strings.Replace(urlFor("alice", secret), "/postgres?", "/absent?", 1),
			[]string{`database "absent" does not exist`, "name a database that exists"}},
		{"may not create", urlFor("bob", secret),
			[]string{`role "bob" may not create databases`, `ALTER ROLE "bob" CREATEDB`}},
		{"not a URL", "postgres://alice:hidden!pw@host:port/x", []string{"not a connection string"}},
		{"not a URL at all", "hidden!pw", []string{"not a connection string"}},
		{"password as parameter", "postgres://127.0.0.1:1/postgres?user=alice&password=hidden%21pw&sslmode=disable",
			[]string{"postgres://alice@127.0.0.1:1/postgres", "connection refused"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Start(t.Context(), Options{URL: c.url})
			var notFound *NotFoundError
			if !errors.As(err, &notFound) || len(notFound.Attempts) != 1 || notFound.Attempts[0].Source != SourceURL {
				t.Fatalf("%#v", err)
			}
			mustContain(t, err.Error(), append(c.want, "cannot use the given Postgres server")...)
			probed := Probe(t.Context(), Options{URL: c.url, Source: SourceURL})
			if len(probed) != 1 || probed[0].Err == nil {
				t.Fatalf("probe: %v", probed)
			}
			mustContain(t, probed[0].String(), c.want...)
			for _, text := range []string{err.Error(), probed[0].String(), fmt.Sprintf("%+v", err)} {
				for _, hidden := range []string{"hidden", "s3cret"} {
					if strings.Contains(text, hidden) {
						t.Errorf("it tells the password:\n%s", text)
					}
				}
			}
		})
	}
	if n := oursOn(t, host); n != 0 {
		t.Errorf("%d databases are left", n)
	}
}

func TestWithDatabase(t *testing.T) {
	for _, dsn := range []string{
		"postgres://u:p%2Fw@h:5433/old?sslmode=disable&application_name=x",
		"postgresql://u:p%2Fw@h:5433?dbname=old&sslmode=disable&application_name=x",
		"host=h port=5433 user=u password=p/w dbname=old sslmode=disable application_name=x",
	} {
		config, err := pgx.ParseConfig(withDatabase(dsn, `new's \one`))
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if config.Database != `new's \one` || config.Host != "h" || config.Port != 5433 || config.User != "u" ||
			config.Password != "p/w" || config.TLSConfig != nil || config.RuntimeParams["application_name"] != "x" {
			t.Errorf("%s became %s", dsn, config.ConnString())
		}
	}
}
