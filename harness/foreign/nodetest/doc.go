// Package nodetest is a server of the dialect kubernetes-nodes for tests: as much of a Kubernetes API server as nodes and their leases
// need, and a node lifecycle controller beside it. It is made of the public API's description alone, and shares no code with it.
//
// It must not import the harness.
package nodetest
