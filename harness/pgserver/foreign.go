package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// foreign is a server that somebody else runs.
type foreign struct {
	dsn  string
	name string // what may be shown of the dsn
}

// startForeign takes a connection string apart. That a server is there is for the caller to find out: it connects in any
// case.
func startForeign(_ context.Context, opts Options) (backend, error) {
	config, err := pgx.ParseConfig(opts.URL)
	if err != nil {
		// The parser's error quotes the text, and masks only the passwords that it recognises.
		return nil, &failure{
			errors.New("the URL is not a connection string: " + parseProblem(err, opts.URL)),
			"it looks like postgres://user:password@host:5432/postgres",
		}
	}
	return &foreign{dsn: opts.URL, name: displayName(config)}, nil
}

func (f *foreign) url(database string) string {
	if database == "" {
		return f.dsn
	}
	return withDatabase(f.dsn, database)
}

func (f *foreign) label() string { return f.name }

func (f *foreign) foreign() bool { return true }

func (f *foreign) stop() error { return nil }

// displayName renders where a connection string points to, without the password.
func displayName(config *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", Path: "/" + config.Database}
	if config.User != "" {
		u.User = url.User(config.User)
	}
	if strings.HasPrefix(config.Host, "/") {
		return fmt.Sprintf("%s?host=%s", u.String(), config.Host)
	}
	u.Host = fmt.Sprintf("%s:%d", config.Host, config.Port)
	if strings.Contains(config.Host, ":") {
		u.Host = fmt.Sprintf("[%s]:%d", config.Host, config.Port)
	}
	return u.String()
}

// withDatabase changes the database that a connection string names.
func withDatabase(dsn, database string) string {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + literal(database) // the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // does not happen: pgx has parsed it
	}
	u.Path, u.RawPath = "/"+database, ""
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.RawQuery = query.Encode()
	return u.String()
}

// parseProblem tells what is wrong with a connection string without quoting it.
func parseProblem(err error, dsn string) string {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		if inner := errors.Unwrap(parse); inner != nil {
			err = inner
		}
	}
	var bad *url.Error
	if errors.As(err, &bad) {
		err = bad.Err
	}
	if text := err.Error(); !strings.Contains(text, dsn) && !quotesPart(text, dsn) {
		return text
	}
	return "it cannot be parsed"
}

// quotesPart reports whether a text quotes a piece of a secret that is long enough to matter.
func quotesPart(text, secret string) bool {
	const matter = 4
	parts := strings.Split(text, `"`)
	for i := 1; i < len(parts); i += 2 {
		if quoted := parts[i]; len(quoted) >= matter && strings.Contains(secret, strings.TrimPrefix(quoted, ":")) {
			return true
		}
	}
	return false
}

// explainForeign says why a foreign server cannot be used, naming it, and what to do about it.
func explainForeign(err error, name string) error {
	var connect *pgconn.ConnectError
	cause := err
	if errors.As(err, &connect) {
		cause = connect.Unwrap()
	}
	remedy := "is the server running, and does it accept connections from here?"
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "28P01", "28000":
			remedy = "check user and password"
		case "3D000":
			remedy = "name a database that exists, such as postgres"
		case "53300":
			remedy = "the server has no connection left; try again later"
		default:
			remedy = ""
		}
	}
	return &failure{fmt.Errorf("%s: %w", name, cause), remedy}
}
