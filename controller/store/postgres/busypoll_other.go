//go:build !unix

package postgres

import (
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// busyPoll does nothing here: there is no non-blocking read to poll with.
func busyPoll(dial pgconn.DialFunc, _ time.Duration) pgconn.DialFunc { return dial }
