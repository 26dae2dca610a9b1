// Command entrypoint starts Postgres in a container, and before that makes its data directory where there is none. It is told
// by the environment variables that the usual images of Postgres know: POSTGRES_PASSWORD, POSTGRES_USER, POSTGRES_DB,
// POSTGRES_INITDB_ARGS and PGDATA. With --ready, it asks the server in the same container a query, and fails where that is not
// answered.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// bin is where the image's build put the programs.
const bin = "/usr/lib/postgresql/bin/"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "entrypoint:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) > 1 && os.Args[1] == "--ready" {
		return ready()
	}
	data := or("PGDATA", "/var/lib/postgresql/data")
	if _, err := os.Stat(filepath.Join(data, "PG_VERSION")); os.IsNotExist(err) {
		if err := initialize(data); err != nil {
			return err
		}
	}
	args := []string{bin + "postgres", "-D", data, "-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp"}
	if len(os.Args) > 1 && os.Args[1] == "postgres" {
		args = append(args, os.Args[2:]...)
	} else {
		args = append(args, os.Args[1:]...)
	}
	return syscall.Exec(bin+"postgres", args, os.Environ()) //nolint:gosec // who starts the container says how
}

// ready asks the server something.
func ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, "host=/tmp dbname=postgres user="+or("POSTGRES_USER", "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the answer is all that matters
	var one int
	return conn.QueryRow(ctx, "SELECT 1").Scan(&one)
}

func or(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// initialize makes the data directory: to the end, or not at all.
func initialize(data string) error {
	password := os.Getenv("POSTGRES_PASSWORD")
	if password == "" {
		return fmt.Errorf("POSTGRES_PASSWORD is not set")
	}
	user := or("POSTGRES_USER", "postgres")
	secret := "/tmp/password"
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil { //nolint:gosec // a name of our own
		return err
	}
	defer os.Remove(secret)                       //nolint:errcheck // it is the container's own
	if err := os.Chmod(data, 0o700); err != nil { //nolint:gosec // a folder, as Postgres wants it
		return err
	}
	made := filepath.Join(data, "made")
	if err := os.RemoveAll(made); err != nil {
		return err
	}
	args := []string{"-D", made, "-U", user, "--pwfile", secret, "--auth-local=trust", "--auth-host=scram-sha-256"}
	if err := command("initdb", append(args, strings.Fields(os.Getenv("POSTGRES_INITDB_ARGS"))...)...).Run(); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	if name := or("POSTGRES_DB", user); name != "postgres" {
		create := command("postgres", "--single", "-D", made, "postgres")
		create.Stdin = strings.NewReader(`CREATE DATABASE "` + strings.ReplaceAll(name, `"`, `""`) + "\"\n")
		if err := create.Run(); err != nil {
			return fmt.Errorf("creating the database %s: %w", name, err)
		}
	}
	hba, err := os.OpenFile(filepath.Join(made, "pg_hba.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = hba.WriteString("host all all all scram-sha-256\n")
	if closed := hba.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(made)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == "PG_VERSION" {
			continue // last: it says that all is there
		}
		if err := os.Rename(filepath.Join(made, e.Name()), filepath.Join(data, e.Name())); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(made, "PG_VERSION"), filepath.Join(data, "PG_VERSION")); err != nil {
		return err
	}
	return os.Remove(made)
}

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(bin+name, args...) //nolint:gosec,noctx // the image's own programs, for as long as they take
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}
