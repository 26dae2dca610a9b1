package scenarios

import (
	"slices"
	"testing"
)

func TestCallNames(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ got, want []string }{
		"HTTP":  {HTTPCalls(), []string{"create", "heartbeat", "update-card", "bootstrap-failed"}},
		"store": {StoreCalls(), []string{"create", "expire_boots", "expire_silent", "claim_launches", "attach_machine", "heartbeat", "register", "apply", "unwanted_machines"}},
		"cloud": {CloudCalls(), []string{"describe", "launch", "list", "terminate"}},
	} {
		for _, name := range c.want {
			if !slices.Contains(c.got, name) {
				t.Errorf("the %s calls lack %s: %v", what, name, c.got)
			}
		}
		if slices.Contains(c.got, "") || len(slices.Compact(slices.Sorted(slices.Values(c.got)))) != len(c.got) {
			t.Errorf("the %s calls have a name twice or none: %v", what, c.got)
		}
	}
}

func TestFaultKindsAreConsistent(t *testing.T) {
	t.Parallel()
	fields := []string{"kind", "from", "until", "group", "first", "only", "replica", "calls", "nth", "percent", "delay", "by", "when"}
	seen := map[string]bool{}
	for _, k := range FaultKinds() {
		if seen[k.Name] || k.About == "" {
			t.Errorf("%q stands twice or is about nothing", k.Name)
		}
		seen[k.Name] = true
		for _, name := range append(k.needs(), k.takes()...) {
			if !slices.Contains(fields, name) {
				t.Errorf("%s takes %s, which no fault has", k.Name, name)
			}
		}
		for _, name := range k.needs() {
			if !slices.Contains(k.takes(), name) {
				t.Errorf("%s needs %s but does not take it", k.Name, name)
			}
		}
		if k.Calls != "" {
			callDomainOf(k.Calls) // panics where there is none
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	providers := vocabularyOf("provider").names
	for name, want := range map[string]string{
		"minmax": "minimax", "MiniMax": "minimax", "kimmi": "kimi", "antropic": "anthropic", "open-ai": "openai", "gemni": "gemini",
		"deep_seek": "deepseek", "claude": "", "": "", "grok": "", "x": "", "anthropic-claude": "anthropic",
	} {
		if got, ok := nearest(name, providers); got != want || ok != (want != "") {
			t.Errorf("nearest(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	for name, want := range map[string]string{
		"minimax": "minimax-past-budget", "hermes": "hermes-slow-mirror", "postgres-error": "postgres-errors", "matrix": "provider-matrix",
		"crash-at": "crash-at-sweep", "crash": "", "cloud": "", "two_replicas": "two-replicas",
	} {
		if got, _ := nearest(name, builtinNames); got != want {
			t.Errorf("nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"a", "", 1}, {"kimi", "kimi", 0}, {"kimi", "kmii", 1}, {"minmax", "minimax", 1}, {"sitting", "kitten", 3}, {"öl", "ol", 1}} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
		if got := edits(c.b, c.a); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}
