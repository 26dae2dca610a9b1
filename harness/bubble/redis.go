package bubble

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Redis is the protocol of Redis, in both its versions.
var Redis Protocol = redis{}

type redis struct{}

// Commands that are not as the others are.
var (
	// These wait at the server, by its own clock.
	blocking = []string{"blpop", "brpop", "blmove", "blmpop", "brpoplpush", "bzpopmin", "bzpopmax", "bzmpop", "wait", "waitaof", "monitor"}
	// These get an answer for each of their arguments.
	subscribing = []string{"subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe"}
	// These say who calls and how.
	introducing = []string{"hello", "client", "auth", "select", "readonly", "quit"}
	// Messages with these names come unasked.
	unasked = []string{"message", "pmessage", "smessage", "invalidate"}
)

// Request implements Protocol.
func (redis) Request(p []byte) (*Request, error) {
	if len(p) > 0 && p[0] != '*' {
		return nil, fmt.Errorf("bubble: this is no command of Redis as clients send them: %.20q", p)
	}
	words, n := array(p)
	if n == 0 {
		return nil, nil
	}
	if len(words) == 0 {
		return &Request{Len: n}, nil
	}
	verb := strings.ToLower(words[0])
	q := &Request{
		Len: n, Verb: verb, Text: strings.Join(words, " "), Answers: 1, Quiet: slices.Contains(introducing, verb),
	}
	if len(q.Text) > longest {
		q.Text = q.Text[:longest] + " …"
	}
	switch {
	case slices.Contains(blocking, verb), strings.HasPrefix(verb, "xread") && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, "block") }):
		return nil, fmt.Errorf("bubble: %s waits at the server by its clock, which is not virtual: ask again and again instead", q.Text)
	case slices.Contains(subscribing, verb):
		q.Answers = max(len(words)-1, 1)
	case verb == "publish", verb == "spublish":
		q.Spreads = func(answer []byte) int {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(answer), ":"))) // an error reaches nobody
			return n
		}
	}
	return q, nil
}

// Answer implements Protocol.
func (redis) Answer(p []byte, _ *Request) (int, bool) {
	n := value(p)
	if n == 0 || p[0] != '*' && p[0] != '>' {
		return n, false
	}
	line := bytes.IndexByte(p, '\n') + 1
	first := p[line:n]
	if i := bytes.IndexByte(first, '\n'); i >= 0 && (bytes.HasPrefix(first, []byte("$")) || bytes.HasPrefix(first, []byte("+"))) {
		word := first[1:i]
		if first[0] == '$' {
			word, _, _ = bytes.Cut(first[i+1:], []byte("\r\n"))
		}
		return n, slices.Contains(unasked, strings.TrimSpace(string(word)))
	}
	return n, false
}

// array reads an array of strings, and how long it is; 0 where it is not whole.
func array(p []byte) ([]string, int) {
	total := value(p)
	if total == 0 {
		return nil, 0
	}
	count, at := header(p)
	words := make([]string, 0, max(count, 0))
	for range count {
		size, n := header(p[at:])
		if p[at] != '$' || size < 0 {
			return words, total
		}
		words = append(words, string(p[at+n:at+n+size]))
		at += n + size + 2
	}
	return words, total
}

// header reads the number in the first line, and how long the line is; 0 where it is not whole.
func header(p []byte) (number, n int) {
	end := bytes.IndexByte(p, '\n')
	if end < 2 {
		return 0, 0
	}
	number, _ = strconv.Atoi(string(p[1 : end-1])) // of what has none, nobody asks
	return number, end + 1
}

// value is how long the value is that p begins with; 0 where it is not whole.
func value(p []byte) int {
	number, n := header(p)
	if n == 0 {
		return 0
	}
	parts := 0
	switch p[0] {
	case '$', '=', '!':
		if number >= 0 {
			n += number + 2
		}
	case '*', '~', '>':
		parts = number
	case '%':
		parts = 2 * number
	case '|': // attributes of the value after it
		parts = 2*number + 1
	}
	for range parts {
		if n >= len(p) {
			return 0
		}
		m := value(p[n:])
		if m == 0 {
			return 0
		}
		n += m
	}
	if n > len(p) {
		return 0
	}
	return n
}
