package pgserver

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestIdentity(t *testing.T) {
	me := self()
	if me.PID != os.Getpid() || me.Start == 0 || len(me.Host) != 8 {
		t.Errorf("%+v", me)
	}
	if me.gone() {
		t.Error("we are gone")
	}
	if (identity{}).gone() {
		t.Error("nobody is gone")
	}

	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	start, _, err := processStart(sleeper.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	other := identity{PID: sleeper.Process.Pid, Start: start, Host: me.Host}
	if other.gone() {
		t.Error("a living process is gone")
	}
	if err := sleeper.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for range 100 { // dead, but its parent has not yet asked
		if _, zombie, _ := processStart(other.PID); zombie {
			break
		}
	}
	if !isGone(other.PID) || !other.gone() {
		t.Error("a zombie is alive")
	}
	_ = sleeper.Wait()
	if !other.gone() {
		t.Error("a dead process is alive")
	}
	other.Host = "00000000"
	if other.gone() {
		t.Error("we judge other hosts")
	}
}

func TestTokenGoesBothWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := identity{
			PID:   rapid.IntRange(1, 999_999_999).Draw(t, "pid"),
			Start: rapid.Int64Range(0, 1<<62).Draw(t, "start"),
			Host:  rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "host"),
		}
		got, ok := parseToken(want.token() + "_7")
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Fatal(ok, diff)
		}
	})
}

func TestForeignNamesAreNoTokens(t *testing.T) {
	for _, name := range []string{"", "production", "7", "7_8", "7_8_9_1", "7_8_0123456789_1", "x7_8_01234567_1", "7_8_01234567"} {
		if id, ok := parseToken(name); ok {
			t.Errorf("%q is taken for %+v", name, id)
		}
	}
}

func TestDatabaseNames(t *testing.T) {
	seen := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		name := databaseName(rapid.String().Draw(t, "purpose"))
		if len(name) > 63 || seen[name] || !strings.HasPrefix(name, databasePrefix+itoa(os.Getpid())+"_") {
			t.Fatalf("%q", name)
		}
		seen[name] = true
		if owner, ok := parseToken(strings.TrimPrefix(name, databasePrefix)); !ok || owner != self() {
			t.Fatalf("%q is not ours", name)
		}
	})
}
