// Package scenarios holds what a person writes: a fleet, what its operator does, and what goes wrong meanwhile. It loads
// scenarios from YAML, says exactly what is wrong with a bad one, writes good ones back, and carries the built-in suite
// and the JSON Schema that editors check scenario files by.
//
// A [Scenario] leaves things open, such as how long a boot takes or which reply is lost. The harness closes them by a seed
// when it resolves the scenario to a plan; nothing here draws anything.
//
// # Entry points
//
//   - [Load], [Files]: YAML to scenarios. The error is [*Problems]: every problem of every file, each with its place.
//   - [Scenario.Check]: the same checks, and the same defaults, for a scenario built in Go.
//   - [Scenario.YAML]: a scenario as a person would write it. Load of it gives the same scenario.
//   - [Builtin], [Names], [Find]: the built-in suite.
//   - [Schema]: the JSON Schema.
//   - [FaultKinds], [HTTPCalls], [StoreCalls], [CloudCalls], [Acts], [Capabilities]: what names a scenario may use.
//
// # Guarantees
//
//   - A scenario that Load returns is complete (defaults are filled in) and consistent: every name in it is known, every
//     group that it refers to exists, and every fault ends before the run does.
//   - Load reports every problem of a file: one bad spot hides no other, and is reported once. Around a line that is no
//     YAML, the list's element, or the field of the whole, is left out, and the rest is read.
//   - What Load accepts, the JSON Schema accepts.
//   - Vocabularies are derived from the tables that own them (lifecycle, fakeprovider, the store's and the cloud's
//     interfaces), so that none can be out of date here.
//
// # Must not import
//
// The packages harness and reports of this module. It may import fakeprovider, controller and what is below them.
package scenarios
