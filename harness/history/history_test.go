package history_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/history"
)

func drawEvent(t *rapid.T) history.Event {
	text := rapid.String().Filter(utf8.ValidString)
	at := rapid.Int64Range(0, 1<<40)
	return history.Event{
		Kind: history.Kind(rapid.IntRange(int(history.Call), int(history.End)).Draw(t, "kind")),
		WS:   rapid.IntRange(0, 3).Draw(t, "ws"), Inc: rapid.IntRange(0, 3).Draw(t, "inc"),
		Actor: text.Draw(t, "actor"), Call: text.Draw(t, "call"), Err: text.Draw(t, "err"),
		Sent:  history.Time(at.Draw(t, "sent")) * history.Time(time.Microsecond),
		Code:  rapid.IntRange(0, 599).Draw(t, "code"),
		Token: rapid.Bool().Draw(t, "token"), Cause: text.Draw(t, "cause"),
		From:  lifecycle.Status(rapid.IntRange(0, int(lifecycle.Removed)).Draw(t, "from")),
		Event: lifecycle.Event(rapid.IntRange(0, int(lifecycle.Remove)).Draw(t, "event")),
	}
}

func TestEncodingRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var h history.History
		now := history.Time(0)
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			e := drawEvent(t)
			now += history.Time(rapid.Int64Range(0, 1<<32).Draw(t, "step")) * history.Time(time.Microsecond)
			e.At = now
			h.Add(e)
		}
		var b bytes.Buffer
		n, err := h.WriteTo(&b)
		if err != nil || n != int64(b.Len()) {
			t.Fatalf("WriteTo: %d of %d bytes, %v", n, b.Len(), err)
		}
		for line := range strings.Lines(b.String()) {
			if !json.Valid([]byte(line)) {
				t.Fatalf("not JSON: %s", line)
			}
		}
		back, err := history.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(h.Events, back.Events); diff != "" {
			t.Fatal(diff)
		}
		if h.Digest() != back.Digest() {
			t.Fatal("the digest changed")
		}
	})
}

func TestReadNamesTheBadLine(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		`{"t":1.000000,"kind":"call"}` + "\n" + `{"t":1.000000,"kind":"cal"}`,
		`{"t":1.000000,"kind":"call"}` + "\n" + `{"t":0.500000,"kind":"call"}`,
		`{"t":1.000000,"kind":"call"}` + "\n" + `{"t":1.0,"kind":"call"}`,
		`{"t":1.000000,"kind":"call"}` + "\n" + `{"t":1.000000,"kind":"call","colour":"red"}`,
		`{"t":1.000000,"kind":"call"}` + "\n" + `{"t":1.00`,
	} {
		if _, err := history.Read(strings.NewReader(bad)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s\ngave %v", bad, err)
		}
	}
}

func TestDigestTellsHistoriesApart(t *testing.T) {
	t.Parallel()
	a := history.History{Events: []history.Event{{Kind: history.Call, WS: 1}}}
	b := history.History{Events: []history.Event{{Kind: history.Call, WS: 2}}}
	if a.Digest() == b.Digest() {
		t.Error("two histories have one digest")
	}
}
