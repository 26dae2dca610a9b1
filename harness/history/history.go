package history

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

// History is a run's events in order. The zero value is empty and ready to use.
type History struct {
	Events []Event
}

// Add appends an event, which must not be earlier than the last.
func (h *History) Add(e Event) { h.Events = append(h.Events, e) }

// Digest is the SHA-256 of the encoding, in hex.
func (h *History) Digest() string {
	sum := sha256.New()
	h.encode(sum) //nolint:errcheck // a hash cannot fail
	return hex.EncodeToString(sum.Sum(nil))
}

// encodeChunk is how much of the encoding is gathered before it is written.
const encodeChunk = 32 << 10

// chunks are buffers for it: searches digest a short history every millisecond.
var chunks = sync.Pool{New: func() any { b := make([]byte, 0, encodeChunk+1024); return &b }}

func (h *History) encode(w io.Writer) error {
	chunk := chunks.Get().(*[]byte) //nolint:forcetypeassert // only those are put there
	b := (*chunk)[:0]
	defer func() { *chunk = b; chunks.Put(chunk) }()
	for i := range h.Events {
		if b = h.Events[i].append(b); len(b) >= encodeChunk {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	_, err := w.Write(b)
	return err
}

// WriteTo writes the encoding: one JSON object a line.
func (h *History) WriteTo(w io.Writer) (int64, error) {
	c := counter{w: w}
	err := h.encode(&c)
	return c.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// maxLine bounds a line of the encoding. The longest thing in one is a cause with a log tail.
const maxLine = 4 << 20

// Read decodes a history. Errors name the line.
func Read(r io.Reader) (*History, error) {
	var h History
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		var e Event
		dec := json.NewDecoder(strings.NewReader(lines.Text()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("history line %d: %w", n, err)
		}
		if last := len(h.Events) - 1; last >= 0 && e.At < h.Events[last].At {
			return nil, fmt.Errorf("history line %d: time goes back", n)
		}
		h.Add(e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the history: %w", err)
	}
	return &h, nil
}
