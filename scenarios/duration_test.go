package scenarios

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDurationText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"9m30s": 570 * time.Second, "10m": 10 * time.Minute, "1h": time.Hour, "1h10m": 70 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "250ms": 250 * time.Millisecond, "1.5s": 1500 * time.Millisecond,
		"-15m": -15 * time.Minute, "0s": 0, "720h": 720 * time.Hour, "5µs": 5 * time.Microsecond,
	} {
		got, err := ParseDuration(text)
		if err != nil || time.Duration(got) != want {
			t.Errorf("ParseDuration(%q) = %s, %v", text, got, err)
		}
		if got.String() != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range []string{
		"", "5", "0", "m", "-", "5 m", " 5m", "5m ", "1d", "5M", "+5m", "--5m", "5m-3s", "1:30", ".5s", "5.s", "1e3s", "1ns",
		"0.1us", "721h", "99999999999999999999h", "5m\n",
	} {
		if got, err := ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %s", text, got)
		}
	}
}

func TestDurationRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Millisecond, time.Second, time.Minute}).Draw(t, "unit")
		most := int64(time.Duration(maxDuration) / unit)
		d := Duration(rapid.Int64Range(-most, most).Draw(t, "units") * int64(unit))
		if got, err := ParseDuration(d.String()); err != nil || got != d {
			t.Fatalf("%s came back as %s, %v", d, got, err)
		}
		raw, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var got Duration
		if err := json.Unmarshal(raw, &got); err != nil || got != d {
			t.Fatalf("%s came back as %s, %v", raw, got, err)
		}
	})
}

func TestGuessDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"10 min": "10m", "10 minutes": "10m", "1 hour 5 minutes": "1h5m", "1h, 5m": "1h5m", "30S": "30s", "2 days": "48h",
		"12,5m": "12m30s", "+5m": "5m", "1:30": "1m30s", "90 secs": "1m30s", "5 Sec": "5s", "250 millis": "250ms", "1h and 3m": "1h3m",
	} {
		if got, ok := guessDuration(text); !ok || got.String() != want {
			t.Errorf("guessDuration(%q) = %s, %v, want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "fast", "ten minutes", "5 parsecs", "99 days", "m5", "5", "1..5s", "a 5m"} {
		if got, ok := guessDuration(text); ok {
			t.Errorf("guessDuration(%q) = %s", text, got)
		}
	}
}
