package history_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/bootrace/bootrace/harness/history"
)

// Whatever is added is read back, in order, but for what is empty.
func TestFieldsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_]{1,8}`), 0, 6, rapid.ID[string]).Draw(t, "names")
		var f history.Fields
		want := map[string]string{}
		for _, n := range names {
			v := rapid.OneOf(rapid.String(), rapid.StringMatching(`[;\\= ]{0,6}`)).Draw(t, n)
			f.Add(n, v)
			if v != "" {
				want[n] = v
			}
		}
		got := 0
		for n, v := range history.EachField(f.String()) {
			if want[n] != v {
				t.Fatalf("%s is %q, want %q, in %q", n, v, want[n], f.String())
			}
			got++
		}
		if got != len(want) {
			t.Fatalf("%d fields, want %d, in %q", got, len(want), f.String())
		}
		for n, v := range want {
			if history.Field(f.String(), n) != v {
				t.Fatalf("%s of %q", n, f.String())
			}
		}
	})
}
