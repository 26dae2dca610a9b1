package ec2

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Error is a call to EC2 that failed.
type Error struct {
	Action    string // RunInstances, …
	Code      string // EC2's; "" where the call got no answer that could be read
	Message   string // EC2's
	RequestID string
	class     error // one of package cloud's, or nil
	err       error
}

// Error says it in one line, without the SDK's words around EC2's.
func (e *Error) Error() string {
	switch {
	case e.Code == "":
		return fmt.Sprintf("ec2: %s: %v", e.Action, e.err)
	case e.RequestID == "":
		return fmt.Sprintf("ec2: %s: %s: %s", e.Action, e.Code, e.Message)
	default:
		return fmt.Sprintf("ec2: %s: %s: %s (request %s)", e.Action, e.Code, e.Message, e.RequestID)
	}
}

// Unwrap returns the class, where there is one, and the cause.
func (e *Error) Unwrap() []error {
	if e.class == nil {
		return []error{e.err}
	}
	return []error{e.class, e.err}
}

// errNothing is a reply that should name a machine or a list, and does not.
var errNothing = errors.New("the reply is empty; the call may have taken effect")

// failure wraps the error of a call; it is nil where err is.
func failure(ctx context.Context, action string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{Action: action, err: err}
	if ctx.Err() != nil {
		// Whatever the SDK makes of it, the caller gave up; what EC2 said to an earlier attempt would only confuse.
		e.err = ctx.Err()
		return e
	}
	if api := smithy.APIError(nil); errors.As(err, &api) {
		const most = 500 // an authorization failure comes with kilobytes of encoded text
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		if len(e.Message) > most {
			e.Message = strings.ToValidUTF8(e.Message[:most], "") + "..."
		}
		e.class = classOf(e.Code)
	}
	if id := (interface{ ServiceRequestID() string })(nil); errors.As(err, &id) {
		e.RequestID = id.ServiceRequestID()
	}
	return e
}

// codeOf returns EC2's code for the error, or "".
func codeOf(err error) string {
	if api := smithy.APIError(nil); errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// isNotFound reports whether EC2 says that there is no such machine. An id of the wrong form is one that cannot be there.
func isNotFound(err error) bool { return errors.Is(classOf(codeOf(err)), cloud.ErrNotFound) }

// capacity are the codes of launches that there is no room for, at Amazon or within the account's quotas. Both may change
// while a boot's budget runs.
var capacity = set(
	"InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientCapacityOnHost",
	"InsufficientReservedInstanceCapacity", "InsufficientCapacity", "InsufficientFreeAddressesInSubnet",
	"InsufficientAddressCapacity", "InsufficientVolumeCapacity", "InstanceLimitExceeded", "VcpuLimitExceeded",
	"MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow", "VolumeLimitExceeded", "NetworkInterfaceLimitExceeded",
	"AddressLimitExceeded", "ReservationCapacityExceeded",
)

// refused are the codes of calls that will never be accepted as they are, beside those that begin with one of
// refusedFamilies. Expired credentials are not among them (ExpiredToken, RequestExpired): they are renewed.
var refused = set(
	"AuthFailure", "Blocked", "IdempotentInstanceTerminated", "IdempotentParameterMismatch", "InvalidAction",
	"InvalidCharacter", "InvalidClientTokenId", "InvalidInput", "InvalidOption", "InvalidRequest", "MalformedQueryString",
	"MissingAction", "MissingParameter", "NoSuchVersion", "NonEBSInstance", "OperationNotPermitted", "OptInRequired",
	"TagLimitExceeded", "TagPolicyViolation", "UnauthorizedOperation", "UnknownParameter", "UnrecognizedClientException",
	"Unsupported", "UnsupportedOperation", "UnsupportedProtocol", "UnsupportedTenancy", "AccessDenied",
	"AccessDeniedException", "VPCIdNotSpecified", "DefaultVpcDoesNotExist", "VPCResourceNotSpecified",
)

var refusedFamilies = []string{
	"InvalidAMIID.", "InvalidAMIName.", "InvalidAMIAttributeItemValue", "InvalidAvailabilityZone",
	"InvalidBlockDeviceMapping", "InvalidFilter", "InvalidGroup.", "InvalidIamInstanceProfile", "InvalidID",
	"InvalidInstanceType", "InvalidKeyPair.", "InvalidLaunchTemplate", "InvalidNetworkInterface", "InvalidParameter",
	"InvalidPlacementGroup", "InvalidSecurityGroup", "InvalidSecurity.", "InvalidSubnet", "InvalidSnapshot.",
	"InvalidTag", "InvalidUserData", "InvalidVpcID.", "InvalidZone", "UnavailableHostRequirements",
}

// classOf sorts EC2's codes into the classes of package cloud; nil is none of them, and thereby transient.
func classOf(code string) error {
	switch {
	case code == "":
		return nil
	case code == "InvalidInstanceID.NotFound" || code == "InvalidInstanceID.Malformed":
		return cloud.ErrNotFound
	case has(retry.DefaultThrottleErrorCodes, code):
		return cloud.ErrThrottled
	case has(capacity, code):
		return cloud.ErrCapacity
	case has(refused, code):
		return cloud.ErrRefused
	}
	for _, family := range refusedFamilies {
		if strings.HasPrefix(code, family) {
			return cloud.ErrRefused
		}
	}
	return nil
}

func set(codes ...string) map[string]struct{} {
	s := make(map[string]struct{}, len(codes))
	for _, c := range codes {
		s[c] = struct{}{}
	}
	return s
}

func has(codes map[string]struct{}, code string) bool {
	_, ok := codes[code]
	return ok
}
