package ec2wire

import (
	"slices"
	"strings"
)

// authenticate reads the access key id off the header of a version 4 signature:
//
//	AWS4-HMAC-SHA256 Credential=KEY/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host;x-amz-date, Signature=HEX
//
// The signature is not verified: that would need the secret here, and proves nothing about a controller.
func authenticate(header string, allowed []string) (accessKey string, _ *apiError) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256")
	if !ok {
		return "", errAuth()
	}
	var signedHeaders, signature bool
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if n := len(scope); n >= 5 && scope[n-1] == "aws4_request" {
				accessKey = strings.Join(scope[:n-4], "/")
			}
		case "SignedHeaders":
			signedHeaders = value != ""
		case "Signature":
			signature = value != ""
		}
	}
	if accessKey == "" || len(accessKey) > 128 || !signedHeaders || !signature {
		return "", errAuth()
	}
	if len(allowed) > 0 && !slices.Contains(allowed, accessKey) {
		return "", errAuth()
	}
	return accessKey, nil
}
