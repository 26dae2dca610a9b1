// Package child starts programs that belong to a run: controllers, agents. Each is a process of its own, and none outlives
// the one that started it.
//
// A child is given its configuration as one JSON value on its standard input, reports in JSON, one value a line, on its
// standard output, and logs on its standard error. The end of its standard input is the end of its parent: [Configure]
// ends the child then. Where the system can do that (Linux) the kernel kills it as well, also while it is stopped.
//
// # Guarantees
//
//   - What a child reported before it died is heard, also where it was killed.
//   - After [Nursery.Close], no child runs and no goroutine is left.
//   - Children are not told of a Ctrl-C in the terminal: to end them is for whoever started them.
//
// # Must not import
//
// Anything of this module.
package child
