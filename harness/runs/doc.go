// Package runs keeps runs on disk: what was played, what happened, and what was judged. A run's folder holds
//
//	run.json                     the authority: plans, seeds, verdicts, digests, and how to replay
//	<scenario>/linearizable.html porcupine's picture of replies that have no legal order, where there are such
//	<scenario>/history.ndjson    one scenario's history; its SHA-256 is the digest in run.json
//
// and whatever reports were rendered from these. Each scenario has a history of its own, so that anybody can check a
// digest with sha256sum, and look at one race without the others.
//
// # Guarantees
//
//   - Files are written under another name and renamed, so that a crash leaves no half of one.
//   - run.json carries the version of its form; a version that this program does not know is refused, not guessed at.
//   - A run that was loaded can be played, judged and rendered: what is damaged is refused with an error that names the
//     file, and so is a history whose digest is not the one in run.json.
//
// # Must not import
//
// Any world, or reports.
package runs
