package pgserver

import (
	"errors"
	"testing"
)

// TestCrashAndRestart crashes a server as a world does: nobody can connect then, what was committed is there afterwards,
// and what was not is gone.
func TestCrashAndRestart(t *testing.T) {
	server := start(t, Options{Source: SourceBinaries, Settings: map[string]string{"synchronous_commit": "on"}})
	if !server.CanCrash() {
		t.Fatal("a private cluster cannot be crashed")
	}
	db, err := server.CreateDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	execute(t, db.URL, "CREATE TABLE kept (answer int)")
	for n := range 3 {
		execute(t, db.URL, "INSERT INTO kept VALUES (1)")
		end := []func() error{server.Crash, server.ShutDown}[n%2]
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if _, err := tryQuery[int](t.Context(), db.URL, "SELECT 1"); err == nil {
			t.Error("a server that has crashed answers")
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := query[int](t, db.URL, "SELECT sum(answer)::int FROM kept"); got != n+1 {
			t.Errorf("of %d rows that were committed %d are there", n+1, got)
		}
	}
	if err := db.Drop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := server.Crash(); err != nil {
		t.Error(err)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("stopping a server that has crashed: %v", err)
	}
	if err := server.Crash(); !errors.Is(err, ErrStopped) {
		t.Errorf("crashing a server that is stopped: %v", err)
	}
	if err := server.Restart(t.Context()); !errors.Is(err, ErrStopped) {
		t.Errorf("restarting a server that is stopped: %v", err)
	}
}

func TestOthersServersAreNotCrashed(t *testing.T) {
	host := start(t, Options{Source: SourceBinaries})
	other := start(t, Options{URL: host.URL("")})
	if other.CanCrash() {
		t.Error("somebody else's server can be crashed")
	}
	if err := other.Crash(); !errors.Is(err, ErrNotOurs) {
		t.Error(err)
	}
	if err := other.ShutDown(); !errors.Is(err, ErrNotOurs) {
		t.Error(err)
	}
	if err := other.Restart(t.Context()); !errors.Is(err, ErrNotOurs) {
		t.Error(err)
	}
}
