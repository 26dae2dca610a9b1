package ec2

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// decodeConsole makes text of a console's output. Machines print what they like: what is not UTF-8 is replaced, so that
// the text can be stored.
func decodeConsole(encoded string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return "", fmt.Errorf("ec2: GetConsoleOutput: the output is not base64: %w", err)
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(raw), "\x00", ""), "\uFFFD"), nil
}
