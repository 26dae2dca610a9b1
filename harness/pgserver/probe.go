package pgserver

import (
	"context"
	"errors"
	"sync"
	"time"
)

// probeTimeout bounds each source's probe. They run side by side, so it bounds them all.
const probeTimeout = 900 * time.Millisecond

// Probe reports for every source whether [Start] could use it, in the order in which Start would try them, and starts
// nothing. It takes less than a second. With Options.Source set it reports that source alone.
//
// A source that is well as far as can be seen may still fail to start: Probe does not pull images.
func Probe(ctx context.Context, opts Options) []Attempt {
	probes := []struct {
		source string
		probe  func(context.Context, Options) (string, error)
	}{
		{SourceURL, probeForeign},
		{SourceBinaries, probeBinaries},
		{SourceDocker, probeDocker},
	}
	var wg sync.WaitGroup
	results := make([]*Attempt, len(probes))
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	for i, p := range probes {
		if opts.Source != "" && opts.Source != p.source {
			continue
		}
		wg.Go(func() {
			detail, err := p.probe(ctx, opts)
			attempt := Attempt{Source: p.source, Detail: detail}
			if err != nil {
				attempt = failed(p.source, err)
			}
			results[i] = &attempt
		})
	}
	wg.Wait()
	var attempts []Attempt
	for _, r := range results {
		if r != nil {
			attempts = append(attempts, *r)
		}
	}
	return attempts
}

// probeForeign asks the server of the given URL who it is.
func probeForeign(ctx context.Context, opts Options) (string, error) {
	if opts.URL == "" {
		return "", &failure{errors.New("no URL is given"), "--database-url postgres://user:password@host:5432/postgres"}
	}
	back, err := startForeign(ctx, opts)
	if err != nil {
		return "", err
	}
	admin := newAdmin(back.url(""))
	defer admin.close()
	facts, err := admin.facts(ctx)
	if err != nil {
		return "", explainForeign(err, back.label())
	}
	if err := facts.usable(back.label()); err != nil {
		return "", err
	}
	return "Postgres " + facts.version + " at " + back.label(), nil
}
