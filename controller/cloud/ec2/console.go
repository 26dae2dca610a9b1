package ec2

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// ConsoleOutput returns what the machine's console shows, which is why a boot died, where anything is. EC2 keeps the last
// 64 KiB, is some minutes behind, and has it for about an hour after the machine's end; the text is empty until there is
// some. A machine that EC2 does not know is cloud.ErrNotFound.
func (c *Cloud) ConsoleOutput(ctx context.Context, id string) (string, error) {
	out, err := c.api.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: aws.String(id)})
	if err != nil {
		return "", failure(ctx, "GetConsoleOutput", err)
	}
	if out.InstanceId == nil {
		return "", failure(ctx, "GetConsoleOutput", errNothing)
	}
	return decodeConsole(aws.ToString(out.Output))
}

// decodeConsole makes text of a console's output. Machines print what they like: what is not UTF-8 is replaced, so that
// the text can be stored.
func decodeConsole(encoded string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return "", fmt.Errorf("ec2: GetConsoleOutput: the output is not base64: %w", err)
	}
	return strings.ToValidUTF8(strings.ReplaceAll(string(raw), "\x00", ""), "\uFFFD"), nil
}
