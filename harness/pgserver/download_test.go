package pgserver

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/internal/await"
)

// repository is a Maven repository with one artefact, whatever it is asked for: binaries that hand over to those on this
// machine.
func repository(t *testing.T, change func(path string, body []byte) []byte) *httptest.Server {
	t.Helper()
	acct, err := clusterAccount()
	if err != nil {
		t.Fatal(err)
	}
	found, err := findInstallations(t.Context(), Options{}, acct)
	if err != nil {
		t.Fatal(err)
	}
	var files bytes.Buffer
	archive := tar.NewWriter(&files)
	for _, name := range []string{"postgres", "initdb", "pg_ctl"} {
		script := fmt.Sprintf("#!/bin/sh\nexec %s/%s \"$@\"\n", found[0].bin, name)
		_ = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bin/" + name, Mode: 0o700, Size: int64(len(script))})
		_, _ = archive.Write([]byte(script))
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	zipped := zip.NewWriter(&jar)
	w, err := zipped.Create("postgres-linux-x86_64.txz")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(xzOf(files.Bytes()))
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(jar.Bytes())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := jar.Bytes()
		if strings.HasSuffix(r.URL.Path, ".sha256") {
			body = []byte(hex.EncodeToString(sum[:]))
		}
		if body = change(r.URL.Path, body); body == nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestDownloadedBinaries(t *testing.T) {
	asked := 0
	mirror := repository(t, func(path string, body []byte) []byte {
		asked++
		mustContain(t, path, "/repo/", "embedded-postgres-binaries-", string(downloadVersion))
		return body
	})
	var said []string
	opts := Options{
		Source: SourceDownload, CacheDir: openDir(t), Mirror: mirror.URL + "/repo/",
		Progress: func(text string) { said = append(said, text) },
	}
	logs := embeddedLogs(t)
	for range 2 {
		server := start(t, opts)
		if server.Source != SourceDownload {
			t.Error(server.Source)
		}
		mustContain(t, server.Describe(), "(downloaded binaries, private cluster, up in ")
		if got := query[int](t, server.URL(""), "SELECT 1::int"); got != 1 {
			t.Error(got)
		}
	}
	if asked != 2 {
		t.Errorf("%d downloads, and not just the archive and its checksum", asked)
	}
	if len(said) == 0 || said[0] != "downloading Postgres "+string(downloadVersion) {
		t.Errorf("progress: %q", said)
	}
	if now := embeddedLogs(t); now > logs {
		t.Errorf("%d log files of embedded-postgres are left", now-logs)
	}
	entries, err := os.ReadDir(filepath.Join(opts.CacheDir, binariesFolder))
	if err != nil || len(entries) != 1 {
		t.Errorf("in the cache: %v, %v", entries, err)
	}
	probed := Probe(t.Context(), opts)
	if len(probed) != 1 || probed[0].Err != nil {
		t.Fatal(probed)
	}
	mustContain(t, probed[0].Detail, "downloaded earlier")
}

func embeddedLogs(t *testing.T) int {
	t.Helper()
	logs, err := filepath.Glob(filepath.Join(os.TempDir(), "embedded_postgres_log*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(logs)
}

func TestDownloadThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		change func(string, []byte) []byte
		want   string
	}{
		"not there": {func(string, []byte) []byte { return nil }, "404 Not Found"},
		"wrong checksum": {func(path string, body []byte) []byte {
			if strings.HasSuffix(path, ".sha256") {
				return []byte("0000")
			}
			return body
		}, "checksums do not match"},
		"no archive": {func(string, []byte) []byte { return []byte("<html>please log in</html>") }, "cannot unpack"},
	} {
		t.Run(name, func(t *testing.T) {
			cache := openDir(t)
			_, err := Start(t.Context(), Options{
				Source: SourceDownload, CacheDir: cache, Mirror: repository(t, c.change).URL,
			})
			if err == nil {
				t.Fatal("it has started")
			}
			mustContain(t, err.Error(), c.want)
			if entries, _ := os.ReadDir(filepath.Join(cache, binariesFolder)); len(entries) != 0 {
				t.Errorf("left in the cache: %v", entries)
			}
		})
	}
}

// TestDownloadIsCancelled ends the context while the repository keeps us waiting.
func TestDownloadIsCancelled(t *testing.T) {
	release := make(chan struct{})
	mirror := repository(t, func(_ string, body []byte) []byte { <-release; return body })
	defer close(release)
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { cancel(cause) }) // short: whenever it comes, the outcome is the same
	cache := openDir(t)
	begin := time.Now()
	_, err := Start(ctx, Options{Source: SourceDownload, CacheDir: cache, Mirror: mirror.URL})
	if !errors.Is(err, cause) || time.Since(begin) > await.Hang {
		t.Errorf("after %s: %v", time.Since(begin), err)
	}
	if entries, _ := os.ReadDir(filepath.Join(cache, binariesFolder)); len(entries) != 0 {
		t.Errorf("left in the cache: %v", entries)
	}
}

func TestEmbeddedRepositoryIsKnown(t *testing.T) {
	if url := embeddedRepository(); !strings.HasPrefix(url, "https://") {
		t.Errorf("%q; has the library changed?", url)
	}
	if !strings.HasPrefix(string(downloadVersion), downloadMajor+".") || !strings.Contains(defaultImage, ":"+downloadMajor) {
		t.Error("the releases of download and image differ")
	}
}

// xzOf wraps a text in the xz format, without compressing it: the standard library has no encoder, and none is needed.
func xzOf(content []byte) []byte {
	var b bytes.Buffer
	number := func(n uint64) []byte { return binary.AppendUvarint(nil, n) }
	sum := func(p []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(p)) }
	pad := func(n int) []byte { return make([]byte, (4-n%4)%4) }

	flags := []byte{0, 1} // the check is a CRC32
	b.WriteString("\xFD7zXZ\x00")
	b.Write(flags)
	b.Write(sum(flags))

	block := []byte{2, 0, 0x21, 1, 0x16, 0, 0, 0} // header of 12 bytes; filter LZMA2, dictionary of 8 MB
	b.Write(block)
	b.Write(sum(block))
	begin := b.Len()
	for rest, first := content, true; len(rest) > 0; first = false {
		n := min(len(rest), 1<<16)
		kind := byte(2)
		if first {
			kind = 1 // resets the dictionary
		}
		b.WriteByte(kind)
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(n-1)))
		b.Write(rest[:n])
		rest = rest[n:]
	}
	b.WriteByte(0)
	size := b.Len() - begin
	b.Write(pad(size))
	b.Write(sum(content))
	unpadded := len(block) + 4 + size + 4

	index := append([]byte{0}, number(1)...)
	index = append(index, number(uint64(unpadded))...)
	index = append(index, number(uint64(len(content)))...)
	index = append(index, pad(len(index))...)
	index = append(index, sum(index)...)
	b.Write(index)

	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	footer = append(footer, flags...)
	b.Write(sum(footer))
	b.Write(footer)
	b.WriteString("YZ")
	return b.Bytes()
}
