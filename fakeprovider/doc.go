// Package fakeprovider is the fake cloud, and the fake LLM providers behind it: machines whose cold boots take as long
// as those of a given runtime and LLM provider do, and fail as they do, without an account, a bill or a network.
//
// Its base are the profiles: [Providers] says how long each LLM provider's preflight takes and how often it fails,
// [Runtimes] how long each agent runtime's image pull and start take. Both are tables, to be read and corrected in
// profile_provider.go and profile_runtime.go. A cold boot is the sum of its [Phases]; [SampleBoot] draws one.
//
// The packages below are what others call over a socket: ec2wire, cpwire and llm speak EC2's protocol, a control plane's and
// LLM providers', and endpoints serves all of them with one administration.
//
// # Guarantees
//
//   - There is no randomness and no clock of its own: whoever draws passes the source of the random bits, and the same
//     bits give the same durations. A draw takes the same number of values from the source whatever comes out.
//   - Durations are whole milliseconds within [Spread.Min] and [Spread.Max], so that a plan can say when the last boot is
//     over.
//
// # Must not import
//
// The packages harness, scenarios and reports of this module. It may import controller and what is below it, whose cloud
// interface it implements.
package fakeprovider
