// Package ec2wire is a fake EC2 endpoint: the EC2 Query protocol, version 2016-11-15, as aws-sdk-go-v2, the AWS command
// line and boto3 speak it, served by an [http.Handler]. Machines are entries in a table, so a launch costs nothing; what
// runs on them is up to whoever listens to [Options.Launched] and [Options.Stopped].
//
// Point any EC2 client at it:
//
//	server := httptest.NewServer(ec2wire.New(ec2wire.Options{}))
//	// AWS_ENDPOINT_URL=<server.URL> AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any aws ec2 describe-instances
//
// # What it speaks
//
// [References] says which calls, parameters and filters are served, and docs/ec2.md shows it. Any other action is InvalidAction,
// any other parameter UnknownParameter. A parameter that EC2 has and the fake has no use for is accepted, though a repeated client
// token must come with the same ones; a filter of that kind matches nothing.
//
// # What goes wrong on demand
//
// [Faults] hold token buckets per action (RequestLimitExceeded), a window in which a new machine is NotFound, and
// [Rule]s: errors as EC2 words them, and replies that are lost after the call took effect. [Server.End] takes a machine
// away, as a spot interruption does. [Server.Admin] is the same over HTTP with JSON, for a harness in another process.
//
// # Guarantees
//
//   - Machines follow EC2's state machine, pending (0) → running (16) → shutting-down (32) → terminated (48), with
//     stopping (64) and stopped (80). A state is a function of the events so far and of [Options.Now]; nothing runs in
//     the background, and no goroutine outlives a request.
//   - RunInstances is idempotent by client token, until a day after the end of its machines. When one of them is terminated it is
//     IdempotentInstanceTerminated, as on EC2 since 2025.
//   - A call about one machine, a client token, a rare tag or state, or a page takes as long where there are many machines. Replies
//     become XML without the server's lock.
//   - A signature (version 4) has to be there and well-formed, and is not verified: any secret will do.
//   - The same calls in the same order give the same identifiers. The only randomness is that of [Rule.Share], from
//     [Options.Seed].
//   - It is safe for concurrent use; what it keeps is bounded ([Options.MaxMachines], body and tag limits); no request
//     makes it panic, but for http.ErrAbortHandler where a fault closes the connection, which is how net/http is told to.
//   - User data is handed to the hooks and shown to nobody else, since it holds credentials.
//
// # Must not import
//
// The packages harness, scenarios and reports of this module, nor the controller: it is a cloud for anybody's controller.
package ec2wire
