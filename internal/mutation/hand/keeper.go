package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// keeper keeps results between runs, a file for each mutant.
type keeper struct {
	folder    string
	tree      string // what trials are made of, mutants aside
	survivors bool
	kept      bool // whatever there is will do
	mu        sync.Mutex
	err       error // the first that a result could not be kept for
}

func newKeeper(folder, root string, o options) (*keeper, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil { //nolint:gosec // everybody may read it
		return nil, err
	}
	tree, err := treeHash(root, fmt.Sprintf("%s %d %t", o.budget, o.seeds, o.quick))
	return &keeper{folder: folder, tree: tree, survivors: o.survivors, kept: o.kept}, err
}

// treeHash is the hash of all that a trial is built of, and of how it is run.
func treeHash(root, how string) (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, how)
	for _, part := range []string{"go.mod", "go.sum", "controller", "fakeprovider", "harness", "scenarios", "internal/mutation/hand/trial"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".md") {
				return err
			}
			text, err := os.ReadFile(path) //nolint:gosec // a file of the module, which nobody swaps meanwhile
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(root, path)
			fmt.Fprintf(sum, "%s %d\n%s", rel, len(text), text)
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:6]), nil
}

func (k *keeper) file(m *Mutant) string {
	return filepath.Join(k.folder, m.Name+"-"+m.hash()+".json")
}

// find returns what is known of the mutant.
func (k *keeper) find(m *Mutant) (result, bool) {
	r := result{Mutant: *m}
	text, err := os.ReadFile(k.file(m))
	if err != nil || json.Unmarshal(text, &r) != nil || r.Outcome.Broken != "" {
		return r, false
	}
	found, all := r.Outcome.Seeds()
	return r, k.kept || r.Tree == k.tree || k.survivors && found == all && all > 0
}

// keep writes the result down.
func (k *keeper) keep(r result) {
	r.Tree = k.tree
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		file := k.file(&r.Mutant)
		if err = os.WriteFile(file+".part", text, 0o644); err == nil { //nolint:gosec // everybody may read it
			err = os.Rename(file+".part", file)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err == nil && err != nil {
		k.err = fmt.Errorf("keeping the result of %s: %w", r.Mutant.Name, err)
	}
}
