package postgres

import (
	"crypto/rand"
	"crypto/sha256"

	"github.com/bootrace/bootrace/controller/store"
)

// blinding is how a presented token is compared with a row's inside a statement without telling by its timing how much of
// it was right. Postgres compares bytes with memcmp, which stops at the first difference; so it is not given the two
// hashes to compare, but the SHA-256 of each with a nonce appended that only this process and its statement know. How
// long two such digests agree says nothing about how long the hashes do, and nobody who does not know the nonce can
// choose what to learn next.
//
// A store has one nonce for its life: it need only be unknown to those who present tokens.
type blinding struct{ nonce [32]byte }

func newBlinding() (b blinding) {
	rand.Read(b.nonce[:]) // it never fails
	return b
}

// present adds the nonce and the presented token's digest to the arguments, for a condition made by tokenMatches.
func (b *blinding) present(p *params, presented store.TokenHash) *params {
	var m [len(presented) + len(b.nonce)]byte
	n := 0
	if !presented.IsZero() {
		n = copy(m[:], presented[:])
	}
	n += copy(m[n:], b.nonce[:])
	digest := sha256.Sum256(m[:n])
	return p.bytes(b.nonce[:]).bytes(digest[:])
}

// tokenMatches is true for a row whose token is the presented one, or that has none where none is presented.
func tokenMatches(nonce, digest string) string {
	return "sha256(coalesce(token_hash, ''::bytea) || " + nonce + "::bytea) = " + digest + "::bytea"
}
