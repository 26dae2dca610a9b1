package pgserver

import (
	"context"
	"testing"
)

// BenchmarkWarmStart is a start with a seed in the cache, to the first answer.
func BenchmarkWarmStart(b *testing.B) {
	opts := Options{Source: SourceBinaries, CacheDir: sharedCache}
	start(b, opts)
	for b.Loop() {
		server, err := Start(b.Context(), opts)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := server.Stop(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkCreateAndDrop is a clone of a small template, and its end.
func BenchmarkCreateAndDrop(b *testing.B) {
	server := start(b, Options{})
	err := server.Template(b.Context(), "t", func(ctx context.Context, url string) error {
		return tryExecute(ctx, url, "CREATE TABLE t AS SELECT generate_series(1, 1000) AS x")
	})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		db, err := server.CreateDatabase(b.Context(), "t")
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Drop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
