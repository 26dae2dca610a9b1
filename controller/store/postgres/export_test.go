package postgres

import (
	"context"
	"net"
	"reflect"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bootrace/bootrace/controller/lifecycle"
)

// Statements returns the text of every statement that a store by the table runs, by name.
func Statements(table *lifecycle.Table) map[string]string {
	texts := map[string]string{}
	add := func(v reflect.Value) {
		if st := (*statement)(v.UnsafePointer()); st != nil {
			texts[st.name] = st.text
		}
	}
	for v, i := reflect.ValueOf(newStatements(table)).Elem(), 0; i < v.NumField(); i++ {
		if f := v.Field(i); f.Kind() == reflect.Array {
			for j := range f.Len() {
				add(f.Index(j))
			}
		} else {
			add(f)
		}
	}
	return texts
}

// Migrations are the files that Migrate runs.
var Migrations = migrations

// OnWrite calls f whenever the store writes to a connection, which it does once for each round trip.
func OnWrite(f func()) Option {
	return func(o *options) {
		o.dialers = append(o.dialers, func(dial pgconn.DialFunc) pgconn.DialFunc {
			return func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := dial(ctx, network, addr)
				return heard{c, f}, err
			}
		})
	}
}

type heard struct {
	net.Conn
	f func()
}

func (h heard) Write(p []byte) (int, error) {
	h.f()
	return h.Conn.Write(p)
}
