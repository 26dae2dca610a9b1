package httpserver

import (
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// sameOrigin reports a request that a browser made for a page of another site.
func sameOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return nil
	}
	if from, err := url.Parse(origin); err == nil && from.Host != "" && strings.EqualFold(from.Host, r.Host) {
		return nil
	}
	return fmt.Errorf("requests of other sites' pages are refused: the Origin is %.200q, and the Host %.200q", origin, r.Host)
}

// Closed refuses requests whose Host is neither a loopback name, nor the address that they came to, nor one of the names; nil is
// any. A page whose name its owner has pointed at this machine can't call what is behind it.
func Closed(h http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !known(r, names) {
			http.Error(w, fmt.Sprintf("the Host %.200q is no name of this server", r.Host), http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func known(r *http.Request, names []string) bool {
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, host) }) {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if address.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap() == address.Unmap()
}

// JSONOnly refuses calls that change something and don't say that their body is JSON: a page of another site can send any other
// type without being asked. Where bodyless is set, a call without a body needs no type.
func JSONOnly(h http.Handler, bodyless bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
			if (err != nil || kind != "application/json") && (!bodyless || r.ContentLength != 0) {
				http.Error(w, "this call takes a body of the type application/json", http.StatusUnsupportedMediaType)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}
