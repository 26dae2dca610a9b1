package ec2_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
)

// lateReader reads a request's body once more after the reply has come, as net/http may do.
type lateReader struct {
	*testing.T
	http.RoundTripper
}

func (l lateReader) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil || int64(len(sent)) != r.ContentLength {
		l.Errorf("a body of %d bytes, announced as %d, %v", len(sent), r.ContentLength, err)
	}
	late := r.Body
	out := r.Clone(r.Context())
	out.Body = io.NopCloser(strings.NewReader(string(sent)))
	reply, err := l.RoundTripper.RoundTrip(out)
	if err == nil {
		reply.Body = lateBody{reply.Body, l.T, late}
	}
	return reply, err
}

type lateBody struct {
	io.ReadCloser
	*testing.T
	late io.Reader
}

func (b lateBody) Read(p []byte) (int, error) {
	if _, err := io.Copy(io.Discard, b.late); err != nil {
		b.Errorf("the request's body while the reply is read: %v; net/http would close the connection", err)
	}
	return b.ReadCloser.Read(p)
}

func TestRequestsOutliveTheirReplies(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	f := newFixture(t, ec2wire.Options{}, func(c *ec2.Config) { c.Transport = lateReader{t, transport} })
	m := f.launch(spec())
	if all, err := f.cloud.List(context.Background()); err != nil || len(all) != 1 || all[0].ID != m.ID {
		t.Errorf("list: %v, %v", all, err)
	}
}
