package history

import "strings"

// Fields writes what an event's Data holds: names and values, in the order in which they are added. The zero value is empty.
type Fields struct{ b []byte }

// Add adds a field. Empty values are left out: who reads takes what is not there for empty.
func (f *Fields) Add(name, value string) {
	if value == "" {
		return
	}
	if len(f.b) > 0 {
		f.b = append(f.b, ';', ' ')
	}
	f.b = append(append(f.b, name...), '=')
	for i := range len(value) {
		if c := value[i]; c == ';' || c == '\\' {
			f.b = append(f.b, '\\')
		}
		f.b = append(f.b, value[i])
	}
}

// String returns the encoding.
func (f *Fields) String() string { return string(f.b) }

// Field returns the value of the field, or nothing where the data lacks it.
func Field(data, name string) string {
	for n, v := range EachField(data) {
		if n == name {
			return v
		}
	}
	return ""
}

// EachField goes through what an event's Data holds.
func EachField(data string) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		for data != "" {
			name, rest, ok := strings.Cut(data, "=")
			if !ok {
				return
			}
			end, escaped := 0, false
			for ; end < len(rest) && rest[end] != ';'; end++ {
				if rest[end] == '\\' {
					escaped = true
					end++
				}
			}
			end = min(end, len(rest))
			value := rest[:end]
			if escaped {
				value = unescaped(value)
			}
			if !yield(name, value) {
				return
			}
			data = strings.TrimPrefix(strings.TrimPrefix(rest[end:], ";"), " ")
		}
	}
}

func unescaped(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
