package scenarios

import (
	"slices"
	"strings"
)

// nearest returns the known name that a misspelt one most likely means: one that differs by few edits, or, where none
// does, the only one that it is a beginning or a part of.
func nearest(name string, known []string) (string, bool) {
	folded := fold(name)
	if folded == "" {
		return "", false
	}
	best, bestEdits := "", max(2, len(folded)/3+1) // more edits than that are another word
	for _, k := range known {
		if e := edits(folded, fold(k)); e < bestEdits {
			best, bestEdits = k, e
		}
	}
	if best != "" {
		return best, true
	}
	for _, like := range []func(s, part string) bool{strings.HasPrefix, strings.Contains} {
		var found []string
		for _, k := range known {
			if len(folded) >= 3 && (like(fold(k), folded) || len(k) >= 4 && like(folded, fold(k))) {
				found = append(found, k)
			}
		}
		if len(found) == 1 {
			return found[0], true
		}
	}
	return "", false
}

// fold removes the differences that people do not see between two spellings of a name.
func fold(name string) string {
	if len(name) > 64 { // no known name is nearly as long, and edits takes the product of both lengths
		name = name[:64]
	}
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return '-'
		}
		return r
	}, strings.ToLower(strings.TrimSpace(name)))
}

// edits counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b.
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

// shortList is how many names are listed even where the one that is meant is likely known.
const shortList = 10

// suggest words a way out of an unknown name: the nearest known one, if any is near, and what is known.
func suggest(name string, known []string, all string) string {
	near, ok := nearest(name, known)
	switch {
	case ok && len(known) > shortList:
		return "did you mean " + near + "?"
	case ok:
		return "did you mean " + near + "? " + all
	default:
		return all
	}
}

// listed names what is known.
func listed(what string, names []string) string { return what + ": " + strings.Join(names, ", ") }

// and joins names as in a sentence.
func and(names []string) string {
	names = slices.Clone(names)
	switch len(names) {
	case 0:
		return "nothing"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
	}
}
