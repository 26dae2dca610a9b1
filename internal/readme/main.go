package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

func main() {
	write := flag.Bool("write", false, "write the generated parts")
	program := flag.String("program", "", "the bootrace `program` to try the commands with")
	flag.Parse()
	if err := run(*write, *program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tryBound ends a trial that hangs; all commands together take half a minute.
const tryBound = 10 * time.Minute

func run(write bool, program string) error {
	pages, err := readPages()
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range pages {
		fresh, err := fill(p.name, p.text)
		switch {
		case err != nil:
			errs = append(errs, err)
		case bytes.Equal(fresh, p.text):
		case write:
			errs = append(errs, os.WriteFile(p.name, fresh, 0o644)) //nolint:gosec // everybody may read it
			p.text = fresh
		default:
			errs = append(errs, fmt.Errorf("%s is out of date: run make generate", p.name))
		}
	}
	errs = append(errs, eachPartOnce(pages))
	known, err := survey()
	if err != nil {
		return err
	}
	for _, p := range pages {
		errs = append(errs, p.check(known)...)
	}
	if err := errors.Join(errs...); err != nil || program == "" {
		return err
	}
	program, err = filepath.Abs(program)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryBound)
	defer cancel()
	return try(ctx, pages, program)
}

// page is a file of the documentation.
type page struct {
	name string // with slashes, from the root
	text []byte
}

func readPages() ([]*page, error) {
	names := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	docs, err := filepath.Glob("docs/*.md")
	if err != nil {
		return nil, err
	}
	slices.Sort(docs)
	var pages []*page
	for _, name := range append(names, docs...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		pages = append(pages, &page{filepath.ToSlash(name), text})
	}
	return pages, nil
}
