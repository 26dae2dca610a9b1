// Package runnertest is a server of the dialect github-runners for tests: a service of self-hosted CI runners, with as much of the
// public REST API of GitHub Actions as runners need, and with the sessions and long polls of the runner. It is made of the API's
// description alone, and shares no code with it.
//
// It must not import the harness.
package runnertest
