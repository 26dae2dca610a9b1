// Package standalone is the agent as a program of its own, on real time: what a machine runs that a controller has launched.
// It is configured by the environment that the controller gave the machine, makes the LLM preflight, and lives as package
// agent has it: it registers, and heartbeats until it is told to end or its workspace is gone.
//
//	standalone.Run(ctx, standalone.Config{WorkspaceID: …, PlatformURL: …, Token: …})
//
// # Guarantees
//
//   - It ends promptly with its context, in whatever phase it is.
//   - The token and the key are in no log and no error.
//
// # Must not import
//
// Anything that plays, judges or reports runs: it knows no harness but the agent's steps.
package standalone
