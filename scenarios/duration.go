package scenarios

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as text, such as 9m30s, in YAML and in JSON.
type Duration time.Duration

// maxDuration is the longest duration of a scenario: anything longer is a slip of the pen, and no sum of them overflows.
const maxDuration = Duration(720 * time.Hour)

// durationPattern is what a duration looks like, here and in the JSON Schema. Stores keep times to the microsecond, so
// nothing finer is taken.
const durationPattern = `^([0-9]+(\.[0-9]+)?(us|µs|ms|s|m|h))+$`

var durationLooks = regexp.MustCompile(durationPattern)

// ParseDuration reads a duration such as 9m30s, 1h, 1.5s, 250ms or -15m.
func ParseDuration(text string) (Duration, error) {
	unsigned := strings.TrimPrefix(text, "-")
	if !durationLooks.MatchString(unsigned) {
		return 0, errors.New("not a duration")
	}
	std, err := time.ParseDuration(text)
	d := Duration(std)
	switch {
	case err != nil || d > maxDuration || d < -maxDuration:
		return 0, fmt.Errorf("longer than %s", maxDuration)
	case std%time.Microsecond != 0:
		return 0, errors.New("finer than a microsecond")
	}
	return d, nil
}

// String writes the duration as a person would: 10m, not 10m0s.
func (d Duration) String() string {
	text := time.Duration(d).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// MarshalText encodes the duration as String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText decodes what [ParseDuration] reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("scenarios: %q: %w", text, err)
	}
	*d = parsed
	return nil
}

// The ways in which people write units, and the unit that is meant.
var spelledUnits = regexp.MustCompile(`([0-9.]+)\s*(milliseconds?|millis|msecs?|ms|microseconds?|us|µs|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)`)

// Minutes and seconds, as a stopwatch shows them.
var clockTime = regexp.MustCompile(`^([0-9]{1,3}):([0-9]{2})$`)

var decimalComma = regexp.MustCompile(`([0-9]),([0-9])`)

// guessDuration returns what a text that is no duration may have meant, without its sign.
func guessDuration(text string) (Duration, bool) {
	plain := decimalComma.ReplaceAllString(strings.ToLower(strings.TrimSpace(text)), "$1.$2")
	plain = strings.TrimPrefix(plain, "+")
	plain = strings.TrimPrefix(plain, "-")
	if clock := clockTime.FindStringSubmatch(plain); clock != nil {
		plain = clock[1] + "m" + clock[2] + "s"
	}
	var b strings.Builder
	rest := 0
	for _, at := range spelledUnits.FindAllStringSubmatchIndex(plain, -1) {
		switch strings.TrimSpace(plain[rest:at[0]]) {
		case "", ",", "and", ", and":
		default:
			return 0, false
		}
		rest = at[1]
		number, unit := plain[at[2]:at[3]], plain[at[4]:at[5]]
		switch {
		case unit == "ms" || strings.HasPrefix(unit, "milli") || strings.HasPrefix(unit, "msec"):
			unit = "ms"
		case unit == "us" || unit == "µs" || strings.HasPrefix(unit, "micro"):
			unit = "us"
		case unit[0] == 'd':
			var days float64
			if _, err := fmt.Sscanf(number, "%f", &days); err != nil || days > 30 {
				return 0, false
			}
			number, unit = fmt.Sprint(24*days), "h"
		default:
			unit = unit[:1]
		}
		b.WriteString(number + unit)
	}
	if rest == 0 || strings.TrimSpace(plain[rest:]) != "" {
		return 0, false
	}
	d, err := ParseDuration(b.String())
	return d, err == nil
}
