package bubble

import (
	"strings"
)

// clocks are the keywords of SQL that read the clock, and what is put in their place. They are no functions, so that no schema can
// stand before them.
var clocks = map[string]string{
	"current_timestamp": "bootrace.now()",
	"current_date":      "(bootrace.now()::date)",
	"current_time":      "(bootrace.now()::timetz)",
	"localtimestamp":    "(bootrace.now()::timestamp)",
	"localtime":         "(bootrace.now()::time)",
}

// virtual returns the statement with its clock keywords replaced, and its precision, if one is given, dropped: virtual time is as
// precise as it is. It reads as Postgres' lexer does: strings, quoted names, dollar quotes and comments are left alone.
func virtual(sql string) string {
	if !mayReadClock(sql) {
		return sql
	}
	var b strings.Builder
	for i := 0; i < len(sql); {
		n := skip(sql[i:])
		if n > 0 {
			b.WriteString(sql[i : i+n])
			i += n
			continue
		}
		n = word(sql[i:])
		if n == 0 {
			b.WriteByte(sql[i])
			i++
			continue
		}
		token := sql[i : i+n]
		with := clocks[strings.ToLower(token)]
		if with == "" || i > 0 && sql[i-1] == '.' {
			b.WriteString(token)
			i += n
			continue
		}
		b.WriteString(with)
		i += n
		i += precision(sql[i:])
	}
	return b.String()
}

func mayReadClock(sql string) bool {
	lower := strings.ToLower(sql)
	return strings.Contains(lower, "current_") || strings.Contains(lower, "localtime")
}

// skip is how long the string, quoted name or comment is that the text begins with.
func skip(s string) int {
	switch {
	case strings.HasPrefix(s, "--"):
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return n
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		return comment(s)
	case s[0] == '\'':
		return quoted(s, '\'', false)
	case s[0] == '"':
		return quoted(s, '"', false)
	case (s[0] == 'e' || s[0] == 'E') && len(s) > 1 && s[1] == '\'':
		return 1 + quoted(s[1:], '\'', true)
	case s[0] == '$':
		return dollar(s)
	}
	return 0
}

// comment is how long the block comment is; they nest.
func comment(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			depth++
			i++
		case strings.HasPrefix(s[i:], "*/"):
			if depth--; depth == 0 {
				return i + 2
			}
			i++
		}
	}
	return len(s)
}

// quoted is how long the quoted text is; a quote in it is doubled, or escaped where that is so.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// dollar is how long the dollar-quoted text is, or 0 where it is a parameter.
func dollar(s string) int {
	end := strings.IndexByte(s[1:], '$')
	if end < 0 {
		return 0
	}
	tag := s[1 : 1+end]
	if tag != "" && (word(tag) != len(tag) || tag[0] >= '0' && tag[0] <= '9') {
		return 0
	}
	mark := s[:end+2]
	if n := strings.Index(s[len(mark):], mark); n >= 0 {
		return n + 2*len(mark)
	}
	return len(s)
}

// word is how long the word is that the text begins with.
func word(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c < 0x80 {
			return i
		}
	}
	return len(s)
}

// precision is how long the "(3)" is that the text begins with.
func precision(s string) int {
	i := 0
	for i < len(s) && s[i] == ' ' {
		i++
	}
	if i == len(s) || s[i] != '(' {
		return 0
	}
	end := strings.IndexByte(s[i:], ')')
	if end < 0 || strings.Trim(s[i+1:i+end], "0123456789 ") != "" {
		return 0
	}
	return i + end + 1
}
