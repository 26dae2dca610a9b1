// Package dialect is how controllers speak on the wire. A dialect carries calls, in the words of the contract, to a server that has
// the same ideas and other words: other paths, bodies, codes and statuses. It is a file: see [Load] and docs/dialects.md. What a file
// cannot say, a program can, as its own [Dialect].
//
//	d, err := dialect.Load("mine.yaml", text)
//	answer, err := d.Speak(ctx, dialect.Call{Name: dialect.Get, ID: "7"}, send)
//
// # Guarantees
//
//   - A file that loads refers to nothing that there is not: each fault of one that does not is a [Problem] with its line and column.
//   - An answer that is not as the file says is an [Error], which names the call, and the place in the file. It is never a status.
//   - A dialect keeps nothing between two calls.
//
// # Must not import
//
// harness/foreign, or anything else of the harness.
package dialect
