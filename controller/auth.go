package controller

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller/store"
)

// bearer returns the request's bearer token, or nothing.
func bearer(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return ""
	}
	return token
}

// isAdmin reports whether the request may do what operators do.
func (c *Controller) isAdmin(r *http.Request) bool {
	if c.AdminToken == "" {
		return true
	}
	// Hashes are compared, so that the time taken tells nothing of the token's length either.
	got, want := store.HashToken(bearer(r)), store.HashToken(c.AdminToken)
	return subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

// mayOperate reports whether the request may act on the one workspace: its own agent may, and an operator.
func (c *Controller) mayOperate(r *http.Request, w *store.Workspace) bool {
	if c.isAdmin(r) {
		return true
	}
	return !w.Token.IsZero() && w.Token.Matches(store.HashToken(bearer(r)))
}

// bootToken derives the token that an incarnation's machine is booted with. Since it is derived and not drawn, a launch
// that is tried again hands over the same one, and no plain token is kept anywhere. Without a cloud there is no launch
// that could carry it, so there is none: the first register mints one.
func (c *Controller) bootToken(id uuid.UUID, incarnation int) string {
	if c.Cloud == nil {
		return ""
	}
	mac := hmac.New(sha256.New, c.Secret)
	fmt.Fprintf(mac, "%s/%d", id, incarnation)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// newToken draws a token.
func (c *Controller) newToken() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(c.Entropy, b[:]); err != nil {
		return "", fmt.Errorf("drawing a token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}
