package pgserver_test

import (
	"context"
	"fmt"

	"github.com/bootrace/bootrace/harness/pgserver"
)

func ExampleStart() {
	ctx := context.Background()
	server, err := pgserver.Start(ctx, pgserver.Options{})
	if err != nil {
		panic(err) // it lists what was tried, and what to install
	}
	defer server.Stop()
	database, err := server.CreateDatabase(ctx, "")
	if err != nil {
		panic(err)
	}
	fmt.Println(database.URL)
}
