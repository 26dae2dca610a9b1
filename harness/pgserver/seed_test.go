package pgserver

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// seedFile returns the one seed in a cache folder.
func seedFile(t *testing.T, cache string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(cache, "data", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("seeds: %v, %v", found, err)
	}
	return found[0]
}

// TestBadSeedIsMadeAgain damages a seed: the start works, and leaves a good one.
func TestBadSeedIsMadeAgain(t *testing.T) {
	t.Parallel()
	cache := openDir(t)
	opts := Options{CacheDir: cache}
	known := start(t, Options{}).back.(*cluster)
	good, err := os.ReadFile(seedsIn(known.opts).path(known.inst))
	if err != nil {
		t.Fatal(err)
	}
	path := seedsIn(opts).path(known.inst)
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"one bit":                           flip(good),
		"well formed, but not what it says": tarOf(t, "global/pg_control", "nonsense"), // only a start finds out
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		var said []string
		opts := opts
		opts.Progress = func(text string) { said = append(said, text) }
		if err := start(t, opts).Stop(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(said) != 2 {
			t.Errorf("%s: progress: %q", name, said)
		}
		info, err := os.Stat(seedFile(t, cache))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 || info.Size() < 1<<20 {
			t.Errorf("%s: the seed is not new: %s, %d bytes", name, info.Mode(), info.Size())
		}
	}
}

func flip(content []byte) []byte {
	flipped := bytes.Clone(content)
	flipped[len(flipped)/2] ^= 0x10
	return flipped
}

// TestSeedIsChecked unpacks seeds that are wrong in every way we can think of.
func TestSeedIsChecked(t *testing.T) {
	t.Parallel()
	acct, err := clusterAccount()
	if err != nil {
		t.Fatal(err)
	}
	good := tarOf(t, "global/pg_control", "good")
	for _, c := range []struct {
		name    string
		content []byte
		mode    os.FileMode
		ok      bool
	}{
		{"good", good, 0o600, true},
		{"one bit", flip(good), 0o600, false},
		{"cut off", good[:len(good)-1], 0o600, false},
		{"empty", nil, 0o600, false},
		{"leads outside", tarOf(t, "../../escaped", "x"), 0o600, false},
		{"others may write it", good, 0o666, false},
	} {
		s, inst, data := seeds{openDir(t)}, installation{version: "17.1"}, openDir(t)
		if err := os.WriteFile(s.path(inst), c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(s.path(inst), c.mode); err != nil {
			t.Fatal(err)
		}
		if err := s.unpack(t.Context(), inst, data, acct); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if exists(filepath.Join(filepath.Dir(data), "..", "escaped")) {
			t.Fatal("a seed has written outside its folder")
		}
	}
}

// TestPackRefusesWhatIsNotTheAccounts has the account put a link to a secret, and the secret itself, where root reads.
func TestPackRefusesWhatIsNotTheAccounts(t *testing.T) {
	acct := account{name: "somebody", uid: 4242, gid: 4242, switched: true}
	secret := filepath.Join(openDir(t), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, put := range map[string]func(string, string) error{"symlink": os.Symlink, "hard link": os.Link} {
		data := openDir(t)
		if err := put(secret, filepath.Join(data, "file")); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := packFrom(data, &b, acct); err == nil || bytes.Contains(b.Bytes(), []byte("secret")) {
			t.Errorf("%s: packed, %v", name, err)
		}
	}
}

// tarOf makes a seed with a folder and a file.
func tarOf(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: "global"})
	_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content))})
	_, _ = archive.Write([]byte(content))
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRacingToMakeASeed(t *testing.T) {
	t.Parallel()
	opts := Options{CacheDir: openDir(t), Source: SourceBinaries}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			server, err := Start(t.Context(), opts)
			if err != nil {
				t.Error(err)
				return
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seedFile(t, opts.CacheDir)
	start(t, opts)
}

func TestWithoutCacheFolder(t *testing.T) {
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	server, err := Start(t.Context(), Options{Source: SourceBinaries})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}
