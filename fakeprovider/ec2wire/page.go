package ec2wire

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of MaxResults.
const (
	minPage = 5
	maxPage = 1000

	maxTypesPage = 100 // of DescribeInstanceTypes
)

// page cuts the rows to what the request asks for with MaxResults and NextToken, and returns the token of the next page,
// empty on the last. A token names the last row that was shown, so that pages neither repeat nor skip a row while others
// come and go. Rows are in order of seq.
func page[T any](p *params, action string, rows []T, seq func(T) uint64) ([]T, string, *apiError) {
	most := maxPage
	if action == "DescribeInstanceTypes" {
		most = maxTypesPage
	}
	after, size, failure := p.paging(minPage, most)
	if failure != nil {
		return nil, "", failure
	}
	for len(rows) > 0 && seq(rows[0]) <= after {
		rows = rows[1:]
	}
	if size == 0 || len(rows) <= size {
		return rows, "", nil
	}
	return rows[:size], sealToken(action, seq(rows[size-1])), nil
}

// paging returns after which row the page begins, and how many it has at the most; 0 is all.
func (p *params) paging(least, most int) (after uint64, size int, failure *apiError) {
	if token := p.text("NextToken"); token != "" {
		var ok bool
		if after, ok = openToken(p.text("Action"), token); !ok {
			return 0, 0, errValue("NextToken", token, "The token is invalid.")
		}
	}
	if size, failure = p.number("MaxResults", 0); failure != nil {
		return 0, 0, failure
	}
	if p.at("MaxResults").set && size < least {
		return 0, 0, bad("InvalidParameterValue",
			"Value ( %d ) for parameter maxResults is invalid. Expecting a value greater than %d.", size, least)
	}
	if size > most {
		return 0, 0, bad("InvalidParameterValue",
			"Value ( %d ) for parameter maxResults is invalid. Expecting a value less than %d.", size, most)
	}
	return after, size, nil
}

func sealToken(action string, seq uint64) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s/%d", action, seq))
}

func openToken(action, token string) (seq uint64, ok bool) {
	plain, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, false
	}
	number, ok := strings.CutPrefix(string(plain), action+"/")
	if !ok {
		return 0, false
	}
	seq, err = strconv.ParseUint(number, 10, 64)
	return seq, err == nil
}

// numbered is a row of a table that has no order of its own but its place.
type numbered[T any] struct {
	row T
	seq uint64
}

func number[T any](rows []T) []numbered[T] {
	out := make([]numbered[T], len(rows))
	for i, r := range rows {
		out[i] = numbered[T]{r, uint64(i + 1)}
	}
	return out
}
