package ec2

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
)

// memory hands requests on with their bodies in memory.
//
// The SDK closes a request's body when the reply's headers are there. net/http may be looking at that moment whether the
// body has more than was announced; the SDK's body answers a closed reader with an error there, and net/http closes the
// connection under the reply that is being read. An endpoint must be quick, as on loopback, and the reply be longer than a
// buffer: there, one list in ten had to be asked for again. A body of our own is not closed by the SDK.
type memory struct{ next http.RoundTripper }

func (t memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return t.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // a reader in memory, which has nothing to complain of
	if err != nil {
		return nil, fmt.Errorf("ec2: reading the request's body: %w", err)
	}
	r = r.Clone(r.Context())
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, _ = r.GetBody()
	return t.next.RoundTrip(r)
}
