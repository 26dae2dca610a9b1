package pgserver

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/internal/await"
)

// helperEnv makes the test binary be another process that uses this package; see startHelper.
const helperEnv = "BOOTRACE_PGSERVER_HELPER"

// sharedCache is the cache folder of all tests that do not need one of their own, so that most starts are warm.
var sharedCache string

func TestMain(m *testing.M) {
	if request := os.Getenv(helperEnv); request != "" {
		beHelper(request)
		return
	}
	var err error
	if sharedCache, err = os.MkdirTemp(memoryFolder(), "pgt-cache-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if left := ourFolders(); code == 0 && len(left) > 0 {
		fmt.Fprintln(os.Stderr, "the tests left", left)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	_ = os.RemoveAll(sharedCache)
	os.Exit(code)
}

// ourFolders lists the temporary folders that this process has.
func ourFolders() []string {
	var all []string
	for _, parent := range folderParents(Options{CacheDir: sharedCache}) {
		found, _ := filepath.Glob(filepath.Join(parent, fmt.Sprintf("%s%d-*", folderPrefix, os.Getpid())))
		all = append(all, found...)
	}
	return all
}

// openDir returns a folder for temporary files that the clusters' account may enter, as t.TempDir's is not. It is in
// memory where that can be, for the sake of the time that the tests take.
func openDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(memoryFolder(), "pgt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// start starts a private cluster and stops it when the test ends. It fails where there is no Postgres: a test of this
// package without one has tested nothing.
func start(t testing.TB, opts Options) *Server {
	t.Helper()
	if opts.CacheDir == "" {
		opts.CacheDir = sharedCache
	}
	if opts.Source == "" && opts.URL == "" {
		opts.Source = SourceBinaries
	}
	server, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// query runs a statement on a connection of its own and returns the first column of its only row.
func query[T any](t testing.TB, url, sql string, args ...any) T {
	t.Helper()
	value, err := tryQuery[T](t.Context(), url, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func tryQuery[T any](ctx context.Context, url, sql string, args ...any) (value T, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return value, err
	}
	defer conn.Close(context.Background())
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return value, err
	}
	return pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
}

// execute runs statements that return nothing.
func execute(t testing.TB, url string, statements ...string) {
	t.Helper()
	if err := tryExecute(t.Context(), url, statements...); err != nil {
		t.Fatal(err)
	}
}

func tryExecute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// isGone waits for a process to be gone, which it is for a moment after a signal not.
func isGone(pid int) bool {
	for giveUp := time.Now().Add(await.Hang); time.Now().Before(giveUp); {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		if _, zombie, err := processStart(pid); err == nil && zombie {
			return true
		}
		time.Sleep(10 * time.Millisecond) // sleeps: between two looks
	}
	return false
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// helper is another process with a server of its own.
type helper struct {
	cmd        *exec.Cmd
	Folder     string
	Postmaster int
	Database   string
}

// startHelper starts this test binary as another process, which starts a server, makes a database on it, and waits.
func startHelper(t *testing.T, opts Options) *helper {
	t.Helper()
	request, err := json.Marshal(map[string]string{"url": opts.URL, "cache": opts.CacheDir, "temp": opts.TempDir})
	if err != nil {
		t.Fatal(err)
	}
	h := &helper{cmd: exec.Command(os.Args[0])}
	h.cmd.Env = append(os.Environ(), helperEnv+"="+string(request))
	h.cmd.Stderr = os.Stderr
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.kill)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the helper ended: %v", err)
	}
	if err := json.Unmarshal(line, h); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return h
}

// kill kills the helper the hard way.
func (h *helper) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
}

func beHelper(request string) {
	var asked map[string]string
	if err := json.Unmarshal([]byte(request), &asked); err != nil {
		panic(err)
	}
	server, err := Start(context.Background(),
		Options{URL: asked["url"], CacheDir: asked["cache"], TempDir: asked["temp"]})
	if err != nil {
		panic(err)
	}
	db, err := server.CreateDatabase(context.Background(), "")
	if err != nil {
		panic(err)
	}
	h := helper{Database: db.Name}
	if c, ok := server.back.(*cluster); ok {
		h.Folder, h.Postmaster = c.folder.path, c.post.pid
	}
	line, _ := json.Marshal(h)
	fmt.Println(string(line))
	select {}
}

// mustContain fails the test for each part that a text lacks.
func mustContain(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("this does not contain %q:\n%s", part, text)
		}
	}
}
