// Package httpserver makes the HTTP servers of this module: one place for what each of them owes its clients.
//
// # Guarantees
//
//   - A client that stops in the middle of its request is cut off: [HeaderPatience] for its header, [BodyPatience] for the body.
//     A handler may take as long as it wants after that; no bound is on the reply.
//   - The reply to a request with a body is sent so that clients that are slow to end their own writing don't lose it: see [Serve].
//   - A request that a browser made for another site is refused: one whose Origin isn't the host that it was sent to, and, where
//     [Closed] is in front, one whose Host nobody has named, as after DNS rebinding.
//
// # Must not import
//
// Anything of this module.
package httpserver
