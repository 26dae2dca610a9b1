// Package agent is the program in a workspace: it registers, with retries, and then heartbeats for as long as it lives. It
// is the same in every world; a world gives it time and a way to call the controller.
//
// It does what a well-behaved agent of the contract does:
//
//   - 2xx: goes on;
//   - 401: registers again, and keeps trying, since the token may only be late; a token that a register earned it, and
//     that is refused, is forgotten;
//   - 404, 410: its workspace is gone, so it stops;
//   - 429: waits for as long as Retry-After says, and goes on;
//   - anything else, and no answer: tries again at its next turn.
//
// It must not import anything of this module but controller/wire.
package agent
