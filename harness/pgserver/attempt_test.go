package pgserver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/internal/await"
)

// hideBinaries makes this machine look as if it had no Postgres.
func hideBinaries(t *testing.T) {
	t.Helper()
	known := wellKnown
	wellKnown = nil
	t.Cleanup(func() { wellKnown = known })
	t.Setenv("PATH", t.TempDir())
	t.Setenv("PGBIN", "")
}

// noImage is an image that nobody has.
const noImage = "bootrace-test/not-there:0"

func TestNotFoundTellsAll(t *testing.T) {
	hideBinaries(t)
	server, err := Start(t.Context(), Options{CacheDir: openDir(t), Image: noImage})
	if err == nil {
		t.Fatalf("found %s", server.Describe())
	}
	var notFound *NotFoundError
	if !errors.As(err, &notFound) {
		t.Fatalf("%T: %v", err, err)
	}
	t.Log("\n" + err.Error())
	var sources []string
	for _, a := range notFound.Attempts {
		sources = append(sources, a.Source)
	}
	if got := strings.Join(sources, " "); got != "binaries docker" {
		t.Errorf("tried: %s", got)
	}
	mustContain(t, err.Error(),
		"no Postgres server was found, and none could be started:",
		"binaries  no postgres and initdb in", "→ ",
		"docker    ",
		"--database-url postgres://")
	if left := ourFolders(); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestForcedSources(t *testing.T) {
	for source, want := range map[string][]string{
		SourceDocker: {"docker    "},
	} {
		_, err := Start(t.Context(), Options{Source: source, CacheDir: openDir(t), Image: noImage})
		var notFound *NotFoundError
		if !errors.As(err, &notFound) || len(notFound.Attempts) != 1 || notFound.Attempts[0].Source != source {
			t.Errorf("%s: %v", source, err)
			continue
		}
		mustContain(t, err.Error(), want...)
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	for want, opts := range map[string]Options{
		"url, binaries, docker": {Source: "oracle"},
		"needs a URL":           {Source: SourceURL},
		"exclude each other":    {Source: SourceDocker, URL: "postgres://127.0.0.1:1/"},
	} {
		_, err := Start(t.Context(), opts)
		if err == nil {
			t.Errorf("%+v is accepted", opts)
			continue
		}
		mustContain(t, err.Error(), want)
	}
}

func TestProbe(t *testing.T) {
	begin := time.Now()
	attempts := Probe(t.Context(), Options{CacheDir: sharedCache, Image: noImage})
	if took := time.Since(begin); took > await.Hang {
		t.Errorf("it took %s", took)
	}
	for _, a := range attempts {
		t.Log(a)
	}
	if len(attempts) != 3 {
		t.Fatalf("%d attempts", len(attempts))
	}
	url, binaries, docker := attempts[0], attempts[1], attempts[2]
	if url.Source != SourceURL || url.Err == nil {
		t.Error(url)
	}
	if binaries.Source != SourceBinaries || binaries.Err != nil {
		t.Error(binaries)
	}
	mustContain(t, binaries.Detail, "Postgres ", "/bin, to run as ")
	if docker.Source != SourceDocker || docker.Err == nil || docker.Detail == "" {
		t.Error(docker)
	}

	server := start(t, Options{})
	if got := Probe(t.Context(), Options{URL: server.URL(""), Source: SourceURL}); len(got) != 1 || got[0].Err != nil {
		t.Error(got)
	}
}

func TestNotFoundUnwraps(t *testing.T) {
	err := error(&NotFoundError{[]Attempt{failed(SourceBinaries, &failure{fs.ErrPermission, "chmod"})}})
	if !errors.Is(err, fs.ErrPermission) {
		t.Error("the cause is lost")
	}
	mustContain(t, err.Error(), "permission denied", "→ chmod")
}

func TestBinariesAreFoundWhereverTheyAre(t *testing.T) {
	acct, err := clusterAccount()
	if err != nil {
		t.Fatal(err)
	}
	found, err := findInstallations(t.Context(), Options{}, acct)
	if err != nil {
		t.Fatal(err)
	}
	hideBinaries(t)
	if _, err := findInstallations(t.Context(), Options{}, acct); err == nil {
		t.Error("found although hidden")
	}

	// By a link in PATH.
	links := openDir(t)
	if err := os.Symlink(filepath.Join(found[0].bin, "postgres"), filepath.Join(links, "postgres")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", links)
	if again, err := findInstallations(t.Context(), Options{}, acct); err != nil || again[0].version != found[0].version {
		t.Errorf("by PATH: %v, %v", again, err)
	}
	t.Setenv("PATH", "")

	t.Setenv("PGBIN", found[0].bin)
	if again, err := findInstallations(t.Context(), Options{}, acct); err != nil || len(again) != 1 {
		t.Errorf("by $PGBIN: %v, %v", again, err)
	}
	t.Setenv("PGBIN", "")

	if again, err := findInstallations(t.Context(), Options{BinDir: found[0].bin}, acct); err != nil || len(again) != 1 {
		t.Errorf("by BinDir: %v, %v", again, err)
	}

	// Newest first, and what does not run or is too old is passed over.
	root := openDir(t)
	for _, major := range []string{"9", "12", "16", "18"} {
		fakeInstallation(t, filepath.Join(root, major, "bin"), major)
	}
	if err := os.WriteFile(filepath.Join(root, "18", "bin", "postgres"), []byte("#!/bin/sh\necho cannot run >&2; exit 3"), 0o755); err != nil {
		t.Fatal(err)
	}
	wellKnown = []string{filepath.Join(root, "*", "bin")}
	again, err := findInstallations(t.Context(), Options{}, acct)
	if err != nil || len(again) != 1 || again[0].version != "16.3" || again[0].major != 16 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := os.RemoveAll(filepath.Join(root, "16")); err != nil {
		t.Fatal(err)
	}
	_, err = findInstallations(t.Context(), Options{}, acct)
	if err == nil {
		t.Fatal("found")
	}
	mustContain(t, err.Error(), "exit status 3: cannot run", "12.3", "too old; 13 or newer is needed")
}

// fakeInstallation makes programs that know their version and no more.
func fakeInstallation(t *testing.T, bin, major string) {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho 'postgres (PostgreSQL) " + major + ".3 (Fake)'\n"
	for _, name := range []string{"postgres", "initdb"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDocker is content with either outcome, as it cannot know the machine: a server, or an error that says what to do.
func TestDocker(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), await.Hang)
	defer cancel()
	image := defaultImage
	if exec.CommandContext(ctx, "docker", "image", "inspect", image).Run() != nil {
		image = noImage // nor should a test download hundreds of megabytes
	}
	server, err := Start(ctx, Options{Source: SourceDocker, Image: image})
	if err == nil {
		defer server.Stop()
		mustContain(t, server.Describe(), "Docker, "+image)
		db, err := server.CreateDatabase(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := query[int](t, db.URL, "SELECT 1::int"); got != 1 {
			t.Error(got)
		}
		return
	}
	t.Log("\n" + err.Error())
	if strings.Contains(err.Error(), "no Docker daemon can be reached") {
		mustContain(t, err.Error(), "DOCKER_HOST")
		return
	}
	mustContain(t, err.Error(), "cannot be pulled", "docker pull ", "docker load")
}
