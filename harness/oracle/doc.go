// Package oracle is the one source of every choice that a run makes: which task goes on, how long a packet takes, which
// occurrence a fault strikes, what an identifier is. A run consults nothing else: no global randomness, no wall clock, no
// map order. So the answers of an oracle determine a run, and the same answers give the same history to the byte.
//
// It must not import anything of this module.
package oracle
