//go:build !unix

package pgserver

import (
	"context"
	"errors"
)

// Private clusters rest on Unix: accounts, sockets in folders, signals. Elsewhere there are a URL and Docker.

var errNotUnix = &failure{
	errors.New("private clusters need a Unix system"),
	"use Docker, or a server of your own by its URL",
}

func startBinaries(context.Context, Options) (backend, error) { return nil, errNotUnix }
func probeBinaries(context.Context, Options) (string, error)  { return "", errNotUnix }

func reapLeftovers(Options) {}

// Without knowing better every process is alive, so that nothing of it is touched.

func processExists(int) bool                                 { return true }
func processStart(int) (start int64, zombie bool, err error) { return 0, false, errNotUnix }
func hostID() string                                         { return "00000000" }
