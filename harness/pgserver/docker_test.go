package pgserver

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/client"

	"github.com/bootrace/bootrace/internal/await"
)

// dockerImage is the image that tests of containers use. They are skipped where there is none, but for machines that must have
// one.
func dockerImage(t *testing.T) string {
	t.Helper()
	for _, image := range []string{os.Getenv(imageVariable), defaultImage, builtImage} {
		if image != "" && exec.CommandContext(t.Context(), "docker", "image", "inspect", image).Run() == nil {
			return image
		}
	}
	if os.Getenv("BOOTRACE_REQUIRE_DOCKER") != "" {
		t.Fatalf("BOOTRACE_REQUIRE_DOCKER is set, and no image of Postgres is here: make images makes %s", builtImage)
	}
	t.Skipf("no image of Postgres here: make images makes %s", builtImage)
	return ""
}

// dockered lists the containers that carry the label.
func dockered(t *testing.T, label string) []string {
	t.Helper()
	provider, err := dockerProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	all, err := provider.Client().ContainerList(context.Background(), client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("label", label)})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, c := range all.Items {
		ids = append(ids, c.ID)
	}
	return ids
}

// A container crashes and starts again like a private cluster: connection strings stay good, what was answered is there.
func TestDockerCrash(t *testing.T) {
	t.Parallel()
	image := dockerImage(t)
	server, err := Start(t.Context(), Options{Source: SourceDocker, Image: image, Settings: map[string]string{"fsync": "on", "synchronous_commit": "on"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	mine := ownerLabel + "=" + self().token() + "_0"
	if got := dockered(t, mine); len(got) != 1 {
		t.Errorf("the containers of this process are %v", got)
	}
	db, err := server.CreateDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := query[int](t, db.URL, "SELECT 7"); got != 7 {
		t.Fatal(got)
	}
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE TABLE kept AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	for what, end := range map[string]func() error{"crash": server.Crash, "shutdown": server.ShutDown} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := conn.Ping(t.Context()); err == nil {
			t.Errorf("a connection outlived the %s", what)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := query[int](t, db.URL, "SELECT n FROM kept"); got != 7 {
			t.Error(got)
		}
		if conn, err = pgx.Connect(t.Context(), db.URL); err != nil {
			t.Fatal(err)
		}
	}
	conn.Close(t.Context())
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
	if got := dockered(t, mine); len(got) != 0 {
		t.Errorf("after Stop there are %v", got)
	}
}

// What a process left that was killed is removed by the next start, without testcontainers' reaper.
func TestDockerLeftovers(t *testing.T) {
	t.Parallel()
	image := dockerImage(t)
	if os.Getenv(ryukVariable) == "" {
		if _, err := dockerProvider(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	gone := identity{PID: 1 << 22, Start: 1, Host: self().Host} // no system gives that number
	if !gone.gone() {
		t.Fatal("there is a process of that number")
	}
	label := ownerLabel + "=" + gone.token() + "_0"
	if out, err := exec.CommandContext(t.Context(), "docker", "create", "--label", label, image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	provider, err := dockerProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	reapContainers(t.Context(), provider)
	if left := dockered(t, label); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// Where no image is available, the error says which, and how to get it.
func TestDockerImageMissing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), await.Hang)
	defer cancel()
	_, err := Start(ctx, Options{Source: SourceDocker, Image: noImage})
	if err == nil {
		t.Fatal("an image was found that does not exist")
	}
	if strings.Contains(err.Error(), "no Docker daemon can be reached") {
		mustContain(t, err.Error(), "DOCKER_HOST")
		return
	}
	mustContain(t, err.Error(), noImage, "cannot be pulled", "docker pull ", "docker load", "make images")
}
