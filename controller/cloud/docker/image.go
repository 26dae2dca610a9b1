package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	dc "github.com/ory/dockertest/v3/docker"
)

// repository is what images of programs are called; their tag is the program's hash.
const repository = "bootrace-program"

// dockerfile makes an image of a static program, which needs nothing else. Nobody in it is root. The label, by which an image is
// found to be left over, comes first: a build that is broken off leaves what it has come to, with the label.
const dockerfile = `FROM scratch
LABEL ` + LabelProgram + `=%s
COPY program /bootrace
USER 65532:65532
ENTRYPOINT ["/bootrace"]
`

// Image returns the name of an image whose entry point is the static program at the path, and builds it where it is not
// there yet. It is named by what is in it, so it is built once.
func (e *Engine) Image(ctx context.Context, path string) (name string, err error) {
	sum, err := Hash(path)
	if err != nil {
		return "", err
	}
	name = repository + ":" + sum[:16]
	_, err = e.Client.InspectImage(name)
	if !errors.Is(err, dc.ErrNoSuchImage) {
		return name, failure(ctx, "inspect image "+name, err)
	}
	in, out := io.Pipe()
	go func() { out.CloseWithError(pack(out, path, fmt.Sprintf(dockerfile, sum))) }()
	defer in.Close() //nolint:errcheck // a pipe's end does not fail
	var log bytes.Buffer
	err = e.Client.BuildImage(dc.BuildImageOptions{
		Name: name, InputStream: in, OutputStream: &log, RmTmpContainer: true, ForceRmTmpContainer: true, Context: ctx,
	})
	if err != nil {
		return "", fmt.Errorf("%w\n%s", failure(ctx, "build image "+name, err), bytes.TrimSpace(log.Bytes()))
	}
	return name, nil
}

// Hash is the SHA-256 of what an image of the program at the path is made of.
func Hash(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("docker: %w", err)
	}
	defer file.Close() //nolint:errcheck // nobody wrote to it
	h := sha256.New()
	h.Write([]byte(dockerfile))
	if _, err := io.Copy(h, file); err != nil {
		return "", fmt.Errorf("docker: reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// pack writes what the image is built of.
func pack(w io.Writer, path, dockerfile string) error {
	program, err := os.Open(path)
	if err != nil {
		return err
	}
	defer program.Close() //nolint:errcheck // nobody wrote to it
	info, err := program.Stat()
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	if err := t.WriteHeader(&tar.Header{Name: "Dockerfile", Mode: 0o644, Size: int64(len(dockerfile))}); err != nil {
		return err
	}
	if _, err := io.WriteString(t, dockerfile); err != nil {
		return err
	}
	if err := t.WriteHeader(&tar.Header{Name: "program", Mode: 0o755, Size: info.Size()}); err != nil {
		return err
	}
	if _, err := io.Copy(t, program); err != nil {
		return err
	}
	return t.Close()
}
