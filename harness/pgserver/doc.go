// Package pgserver finds a Postgres server, or starts one, without being told where to look.
//
// Every run of bootrace keeps its rows in a real Postgres. [Start] gives it one, from the first of these that works:
//
//  1. url: the server of a given URL. It is checked with a real query, used, and never stopped.
//  2. binaries: server binaries on this machine, started as a private cluster in a temporary folder.
//  3. docker: a throw-away container, through testcontainers-go.
//
// Where none works the error is a [*NotFoundError] that lists what was tried, why each failed and what to install.
// [Probe] reports the same without starting anything.
//
// # Guarantees
//
//   - A private cluster listens on no TCP port, only on a Unix socket in a folder that none but the account it runs as
//     (and root) may enter. Where the caller is root, that account is "postgres" or else "nobody".
//   - Nothing is left after [Server.Stop], nor after a [Start] that fails or whose context ends: no process, no folder,
//     no container, and on a foreign server no database.
//   - Where this process is killed, the kernel stops the private cluster (Linux), and the next Start of any process of
//     the same user removes what it left. It touches a folder, process or database only when it can prove that their
//     owner, named by process id and start time, is gone.
//   - A private cluster is there for tests: a crash of the machine may lose its data, unless [Options.Durable] is set.
//     A crash of the server itself loses nothing that was flushed, as ever.
//   - No error and no description contains a password.
//
// # Must not import
//
// Anything of ours. It knows pgx and testcontainers-go, and nothing of workspaces.
package pgserver
