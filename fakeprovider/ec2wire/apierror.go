package ec2wire

import (
	"fmt"
	"net/http"
	"strings"
)

// apiError is an error reply.
type apiError struct {
	status  int
	code    string
	message string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

func bad(code, format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// The wording below is EC2's, since programs and people match on it.

func errMissing(name string) *apiError {
	return bad("MissingParameter", "The request must contain the parameter %s", name)
}

func errValue(name, value, why string) *apiError {
	return bad("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", shorten(value), name, why)
}

func errDryRun() *apiError {
	return &apiError{http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."}
}

func errAuth() *apiError {
	return &apiError{http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials"}
}

func errMalformedID(id string) *apiError {
	if !strings.HasPrefix(id, "i-") {
		return bad("InvalidInstanceID.Malformed", `Invalid id: "%s" (expecting "i-...")`, shorten(id))
	}
	return bad("InvalidInstanceID.Malformed", `Invalid id: "%s"`, shorten(id))
}

func errUnknownIDs(ids []string) *apiError {
	if len(ids) == 1 {
		return bad("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", ids[0])
	}
	return bad("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", strings.Join(ids, ", "))
}

func errState(id, verb string) *apiError {
	return bad("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", id, verb)
}

func errArchitecture(size, image string) *apiError {
	return bad("InvalidParameterValue", "The architecture '%s' of the specified instance type does not match the architecture '%s' "+
		"of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again. You can use "+
		"'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.", size, image)
}

// shorten keeps what a client sent from filling the reply.
func shorten(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
