package main

import (
	"fmt"
	"io"
	"unicode/utf8"
)

// list is names and what is to be said of each, in two columns.
type list struct {
	names []string
	texts [][]string
}

// listWidth is how long a line of a list may be.
const listWidth = 120

// add adds a name and the paragraphs that are to be said of it.
func (l *list) add(name string, paragraphs ...string) {
	l.names, l.texts = append(l.names, name), append(l.texts, paragraphs)
}

func (l *list) write(w io.Writer) error {
	column := 0
	for _, name := range l.names {
		column = max(column, utf8.RuneCountInString(name)+2)
	}
	for i, name := range l.names {
		for _, paragraph := range l.texts[i] {
			for _, line := range wrap(paragraph, listWidth-column) {
				if _, err := fmt.Fprintf(w, "%-*s%s\n", column, name, line); err != nil {
					return err
				}
				name = ""
			}
		}
	}
	return nil
}
