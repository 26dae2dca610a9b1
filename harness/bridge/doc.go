// Package bridge takes what happened on a wall clock over into virtual time: it makes of a live run's plan and history a
// plan for the simulated world, with boots as long as they were measured, and faults and acts at the times at which they
// really happened, and plays it under many seeds. A race that shows there can be replayed to the byte, and looked at as
// often as anybody likes; one that does not is a difference between the live controller and the reference, or lies in what
// no plan can say.
//
// # Guarantees
//
//   - What was measured is taken over; what was out of sight stays as planned.
//   - Where the live run's budget is shorter than the contract's, all its times are multiplied alike until it is not: the
//     simulated cloud launches no faster than a real one.
//   - Faults whose whole effect is in what was measured (slow and failing LLM providers) are not played a second time.
//
// # Must not import
//
// reports.
package bridge
