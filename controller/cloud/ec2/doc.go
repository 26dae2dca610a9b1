// Package ec2 is the cloud of machines on Amazon EC2, or on whatever speaks EC2's protocol at an endpoint that [Config]
// names. It implements controller/cloud and passes its conformance suite.
//
// # How it keeps what a cloud promises
//
//   - Launch is RunInstances with a client token that is derived from deployment, workspace and incarnation, so a launch
//     that is asked for again, by another replica or after a crash, is the same machine. Everything that is sent with it
//     is derived from the same input and the configuration; there is no time in it, since EC2 refuses a token that comes
//     with other parameters. Where the configuration has changed in between, Launch adopts the machine that the token
//     launched before.
//   - A machine carries the tags bootrace:deployment, bootrace:workspace, bootrace:incarnation, Name and, where
//     [Config.Expiry] is set, bootrace:lifetime. List asks for the deployment's machines; nothing else is ever touched, but
//     with [Config.ListOnly] and no deployment: then it is all that carry the tag.
//   - A reply that says nothing (an empty 200, a body cut short) is a transient error, never an empty cloud and never a
//     panic: the SDK takes an empty body for success.
//   - EC2 is eventually consistent. A machine that this client launched less than [Config.Settle] ago and that EC2 does
//     not know is not dead: Describe returns it as launched, and Terminate waits for it to appear.
//
// # Errors
//
// They wrap an [Error] and, by EC2's code, one of cloud.ErrThrottled, cloud.ErrCapacity, cloud.ErrRefused and
// cloud.ErrNotFound; all others are transient. Credentials that have expired and machine quotas are transient too, as
// somebody can put them right while the boot's budget runs; a launch that EC2 will never accept is refused.
//
// # Secrets
//
// The agent's environment, with its token, is in the user data and nowhere else: not in a tag, an error or a log. Machines
// are launched with version 2 of the metadata service only, so that a request forged through the agent does not read it.
//
// # Real money
//
// Without a custom endpoint, [New] wants AllowRealAWS, a cap on machines, an expiry and a region. The cap is enforced
// before each launch by counting; the expiry is a tag for [Cloud.Reap], and a timer on the machine itself, which powers
// off and is thereby terminated, for when nobody reaps.
//
// # Must not import
//
// Anything of this module but controller/cloud.
package ec2
