// Package lifecycle says what a workspace's life may be: its statuses, the events that move it, and the one table of
// which event moves which status where.
//
// It is the controller's single source of the lifecycle. The stores build their guards from the table, the HTTP handlers ask
// it, and the documentation's diagram and `bootrace states` are renderings of it. The harness judges by harness/contract instead,
// which says the same a second time and is compared with this table by a test: a mistake here must not pass for the contract.
//
// # Guarantees
//
// Everything here is pure: no clock, no I/O, no global state. A [Table] is immutable; [Table.Without] and [Table.With]
// return altered copies, which is how named defects change a controller's behaviour without touching its code.
//
// # Must not import
//
// Anything of this module. The facts in the table are the contract that the public molecule-core server speaks (its
// sources of April 2026), with the reference controller's deliberate improvements; every edge carries its reason.
package lifecycle
