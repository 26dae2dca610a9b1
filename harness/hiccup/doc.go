// Package hiccup measures how slow the machine is while something runs on it: how late timers fire, how long threads wait
// for a processor, how long a call takes that does nothing, and what the kernel says of time that others took. The name and
// the method are jHiccup's: what happens to a thread that does nothing happens to every thread beside it.
//
// A [Meter] measures within one process and reports [Window]s. A [Series] merges the windows of several processes into one
// list. Times are the wall clock's, and durations are real time; a world converts them into its own.
//
// # What a window says
//
// Lost is the part of the window in which the machine did nothing for a caller that wanted it to: a chain of steps in the
// window ends later by so much. Worst is the longest single delay. Both are lower bounds, since a meter samples.
//
// # Guarantees
//
//   - A meter costs less than one part in a hundred of a core, and nothing is reported while the machine keeps up.
//   - What the kernel does not tell (other systems than Linux, no /proc) is left out. Timers are always measured.
//
// # Must not import
//
// Anything of this module but history: a slow machine is nobody's notion but the machine's.
package hiccup
