// Package plan holds a scenario with every choice made: the fleet and how long each cold boot takes, the faults, what the
// operator does, and the seed of all that is chosen while it runs. A plan and nothing else determines a run, so a plan is
// what is stored, replayed, generated and shrunk.
//
// It may import scenarios, whose terms it makes definite, fakeprovider, whose profiles it draws from, and controller, whose
// settings it carries; it must not import any world.
package plan
