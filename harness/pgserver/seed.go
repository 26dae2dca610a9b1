//go:build unix

package pgserver

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// initdbOptions make a data directory. Trust is no risk: who can reach the socket is decided by its folder. Small log
// segments make 12 MB less to copy.
var initdbOptions = []string{
	"--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "--username=postgres", "--wal-segsize=1",
}

// seedLife is how long a seed is kept that nobody uses, such as those of releases that were replaced.
const seedLife = 30 * 24 * time.Hour

// seeds keep one initialised data directory for each installation, as initdb takes longer than all the rest of a start.
//
// A seed is one file, a tar archive: it appears under its name all at once, so that of two processes that make it both
// win. It is wrapped in gzip without compression: that gives a checksum over all of it and reads at memory speed. It
// belongs to the caller, not to the account that clusters run as, which can neither read nor change it.
type seeds struct {
	dir string // "" where nothing can be kept
}

func seedsIn(opts Options) seeds {
	cache := opts.userCache()
	if cache == "" {
		return seeds{}
	}
	return seeds{filepath.Join(cache, "data")}
}

// path names the seed of an installation. What may change what initdb makes is in it: the binaries and our options.
func (s seeds) path(inst installation) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s\n", inst.banner, inst.bin, strings.Join(initdbOptions, " "))
	if info, err := os.Stat(filepath.Join(inst.bin, "postgres")); err == nil {
		fmt.Fprintf(h, "%d %d\n", info.Size(), info.ModTime().UnixNano())
	}
	return filepath.Join(s.dir, fmt.Sprintf("%s-%x.tar.gz", inst.version, h.Sum(nil)[:6]))
}

func (s seeds) discard(inst installation) {
	if s.dir != "" {
		_ = os.Remove(s.path(inst))
	}
}

// unpack fills a data directory, which must be there and empty, from the installation's seed, and gives it to the
// account. The error is os.ErrNotExist if there is no seed. On any error the directory's content is of no use.
func (s seeds) unpack(ctx context.Context, inst installation, data string, acct account) (err error) {
	if s.dir == "" {
		return os.ErrNotExist
	}
	path := s.path(inst)
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	// It becomes a server's configuration, so it must not be anybody else's work.
	if !info.Mode().IsRegular() || info.Mode()&0o022 != 0 || info.Sys().(*syscall.Stat_t).Uid != uint32(os.Geteuid()) {
		return fmt.Errorf("%s: others than its owner may write it", path)
	}
	if err := unpackTo(ctx, f, data, acct); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // it is in use: see prune
	return nil
}

func unpackTo(ctx context.Context, r io.Reader, data string, acct account) error {
	zip, err := gzip.NewReader(bufio.NewReaderSize(r, 1<<18))
	if err != nil {
		return err
	}
	archive := tar.NewReader(zip)
	folders := []string{data}
	buffer := make([]byte, 1<<18)
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		header, err := archive.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(header.Name) {
			return fmt.Errorf("unexpected name %q", header.Name)
		}
		path := filepath.Join(data, header.Name) //nolint:gosec // IsLocal has been asked
		switch header.Typeflag {
		case tar.TypeDir:
			if err := os.Mkdir(path, 0o700); err != nil {
				return err
			}
			folders = append(folders, path)
		case tar.TypeReg:
			if err := unpackFile(path, archive, acct, buffer); err != nil {
				return err
			}
		default:
			return fmt.Errorf("unexpected kind of file: %q", header.Name)
		}
	}
	// The checksum comes last; reading up to it is what checks it.
	if _, err := io.Copy(io.Discard, zip); err != nil { //nolint:gosec // it is our own, and goes nowhere
		return err
	}
	if len(folders) < 2 {
		return errors.New("empty")
	}
	// The data directory itself comes last, so that the account cannot meddle before all is done.
	for i := len(folders) - 1; i >= 0; i-- {
		if err := acct.give(folders[i]); err != nil {
			return err
		}
	}
	return nil
}

func unpackFile(path string, r io.Reader, acct account, buffer []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// Without ReadFrom, which would ignore the buffer.
	_, err = io.CopyBuffer(struct{ io.Writer }{f}, r, buffer)
	if err == nil && acct.switched {
		err = f.Chown(int(acct.uid), int(acct.gid))
	}
	return errors.Join(err, f.Close())
}

// pack keeps a data directory, on which no server runs, as the installation's seed.
func (s seeds) pack(inst installation, data string, acct account) (err error) {
	if s.dir == "" {
		return errors.New("there is no cache folder")
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	s.prune()
	temp, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temp.Name()))
		}
	}()
	err = packFrom(data, temp, acct)
	if err := errors.Join(err, temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), s.path(inst))
}

func packFrom(data string, w io.Writer, acct account) error {
	buffered := bufio.NewWriterSize(w, 1<<18)
	zip, err := gzip.NewWriterLevel(buffered, gzip.NoCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(zip)
	// The folder is the account's, and we may be root: a root handle cannot be led out of it by links, and a file that
	// is not the account's own has no business there.
	root, err := os.OpenRoot(data)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || name == ".":
			return err
		case entry.IsDir():
			return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o700})
		case !entry.Type().IsRegular():
			return fmt.Errorf("%s is not a plain file", name)
		}
		f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if stat := info.Sys().(*syscall.Stat_t); !info.Mode().IsRegular() || stat.Uid != acct.uid {
			return fmt.Errorf("%s is not a plain file of user %s", name, acct.name)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content))}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		_, err = io.Copy(archive, bytes.NewReader(content))
		return err
	})
	return errors.Join(err, archive.Close(), zip.Close(), buffered.Flush())
}

// prune removes seeds that were not used for long, and what processes left that ended while making one.
func (s seeds) prune() {
	entries, _ := os.ReadDir(s.dir)
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue
		}
		life := seedLife
		if strings.HasPrefix(entry.Name(), "new-") {
			life = time.Hour
		}
		if time.Since(info.ModTime()) > life {
			_ = os.Remove(filepath.Join(s.dir, entry.Name()))
		}
	}
}
