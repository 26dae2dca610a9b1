package oracle_test

import (
	"bytes"
	"testing"

	"github.com/bootrace/bootrace/harness/oracle"
)

// The answers of a seed are part of every stored replay command: they must never change.
func TestSeedIsForEver(t *testing.T) {
	t.Parallel()
	o := oracle.NewRandom(7, "test")
	var got [6]uint64
	for i := range got {
		got[i] = o.Choose(oracle.Task, 1000)
	}
	want := [6]uint64{}
	for i, o := 0, oracle.NewRandom(7, "test"); i < len(want); i++ {
		want[i] = o.Choose(oracle.Ident, 1000)
	}
	if got != want {
		t.Errorf("the point changed the answer: %v, %v", got, want)
	}
	if pinned := [6]uint64{503, 15, 646, 672, 717, 384}; got != pinned {
		t.Errorf("seed 7 answers %v; it used to answer %v", got, pinned)
	}
}

func TestReaderFillsOddLengths(t *testing.T) {
	t.Parallel()
	for n := range 12 {
		b := make([]byte, n)
		if got, err := (oracle.Reader{Oracle: oracle.NewRandom(1, "test")}).Read(b); got != n || err != nil {
			t.Fatalf("Read of %d bytes: %d, %v", n, got, err)
		}
		if n > 4 && bytes.Equal(b[4:], make([]byte, n-4)) {
			t.Errorf("the tail of %d bytes was not filled: %x", n, b)
		}
	}
}
