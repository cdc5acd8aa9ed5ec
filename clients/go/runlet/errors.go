package runlet

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

const domain = "runlet.v1"

// A Reason says why the server refused something. Each is an error, for [errors.Is].
type Reason string

// The reasons that programs ask for most; ErrorReason in the protos has them all.
const (
	ErrInvalidRequest  Reason = "INVALID_REQUEST"
	ErrSessionNotFound Reason = "SESSION_NOT_FOUND"
	ErrSessionInUse    Reason = "SESSION_ALREADY_ATTACHED"
	ErrProcessNotFound Reason = "PROCESS_NOT_FOUND"
	ErrProcessEvicted  Reason = "PROCESS_EVICTED"
	ErrProcessExists   Reason = "PROCESS_EXISTS"
	ErrProcessEnded    Reason = "PROCESS_EXITED"
	ErrStdinClosed     Reason = "STDIN_CLOSED"
	ErrLimitExceeded   Reason = "LIMIT_EXCEEDED"
	ErrStartFailed     Reason = "START_FAILED"
	ErrServerShutsDown Reason = "DRAINING"
	// ErrUnauthenticated: the token or the certificate is not accepted, or not any more.
	ErrUnauthenticated Reason = "UNAUTHENTICATED"
	// ErrGrantMissing: the credentials do not grant the call; Metadata has the "grant".
	ErrGrantMissing Reason = "GRANT_MISSING"
	// ErrPolicyDenied: the operator forbids it; Metadata has the "rule".
	ErrPolicyDenied  Reason = "POLICY_DENIED"
	errSessionClosed Reason = "SESSION_CLOSED"
	errSuperseded    Reason = "ATTACHMENT_SUPERSEDED"
)

func (r Reason) Error() string { return string(r) }

var (
	// ErrOutputTooLarge is returned by Run where a command wrote more than it was allowed to.
	ErrOutputTooLarge = errors.New("the command wrote more than it was allowed to")
	// ErrStdinConflict is returned where somebody else wrote to the same stdin, so that what
	// this client wrote passed for a repetition.
	ErrStdinConflict = errors.New("another client wrote to the standard input of the process")
)

// A RemoteError says that the server answered, and refused. Asking again in the same way changes
// nothing. With [errors.Is] it is its Reason.
type RemoteError struct {
	// Code is the status of gRPC.
	Code codes.Code
	// Reason is empty where the server gave none.
	Reason  Reason
	Domain  string
	Message string
	// Metadata has facts that go with the reason.
	Metadata map[string]string
	// Fields are those that are wrong, with ErrInvalidRequest.
	Fields []string
	// Stage and Errno say what a start failed of, with ErrStartFailed: PROGRAM and ENOENT.
	Stage, Errno string
	// File says what failed of a file, where a call of FileService did; nil: of none.
	File *runletv1.FileFailure
	// HTTP says what failed of an HTTP request; nil: of none.
	HTTP *runletv1.HttpFailure
	// Tunnel says what failed of a connection; nil: of none.
	Tunnel *runletv1.TunnelFailure
}

func (e *RemoteError) Error() string { return e.Message }

// Is makes [errors.Is] find the reason.
func (e *RemoteError) Is(target error) bool {
	reason, ok := target.(Reason)
	return ok && reason == e.Reason
}

// A LostReason says why a session is over.
type LostReason string

// Why a session is over for this client.
const (
	LostExpired            LostReason = "expired"
	LostClosed             LostReason = "closed"
	LostSuperseded         LostReason = "superseded"
	LostCredentialsRefused LostReason = "credentials-refused"
	LostWindowPassed       LostReason = "window-passed"
	LostServerShutdown     LostReason = "server-shutdown"
	LostRefused            LostReason = "refused"
	// LostLeft is this client's own doing.
	LostLeft LostReason = "left"
)

// A SessionLostError says that a session is over for this client. All that is pending in it fails
// with it, and all that comes.
type SessionLostError struct {
	Reason    LostReason
	SessionID string
	Cause     error
}

func (e *SessionLostError) Error() string {
	return fmt.Sprintf("the session %s is lost: %s", e.SessionID, e.Reason)
}

func (e *SessionLostError) Unwrap() error { return e.Cause }

// A ConnectionError says that the server cannot be reached, or that the connection broke amid a
// call.
type ConnectionError struct {
	// OutcomeUnknown: the call may or may not have been done, and cannot be repeated without
	// the risk that it is done twice.
	OutcomeUnknown bool
	Cause          error
}

func (e *ConnectionError) Error() string {
	if e.OutcomeUnknown {
		return fmt.Sprintf("the connection broke during the call: %v", e.Cause)
	}
	return fmt.Sprintf("the server cannot be reached: %v", e.Cause)
}

func (e *ConnectionError) Unwrap() error { return e.Cause }

// An OutputLostError says that output was dropped before it was read.
type OutputLostError struct {
	Ranges []OutputRange
}

func (e *OutputLostError) Error() string {
	parts := make([]string, len(e.Ranges))
	for i, r := range e.Ranges {
		parts[i] = fmt.Sprintf("%d bytes of %s from %d", r.Length, r.Stream, r.Offset)
	}
	return "output was dropped before it was read: " + strings.Join(parts, ", ")
}

// FromRPC reads what a failed call of a stub says; nil where it is no status of gRPC.
func FromRPC(err error) *RemoteError {
	failed, ok := status.FromError(err)
	if !ok || failed.Code() == codes.OK {
		return nil
	}
	remote := &RemoteError{Code: failed.Code(), Message: failed.Message()}
	for _, detail := range failed.Details() {
		switch what := detail.(type) {
		case *errdetails.ErrorInfo:
			remote.Reason, remote.Domain = Reason(what.Reason), what.Domain
			remote.Metadata = what.Metadata
		case *runletv1.StartFailure:
			remote.Stage = strings.TrimPrefix(what.Stage.String(), "START_STAGE_")
			remote.Errno = what.ErrnoName
		case *runletv1.FileFailure:
			remote.File = what
		case *runletv1.HttpFailure:
			remote.HTTP = what
		case *runletv1.TunnelFailure:
			remote.Tunnel = what
		case *errdetails.BadRequest:
			for _, violation := range what.FieldViolations {
				remote.Fields = append(remote.Fields, violation.Field)
			}
		}
	}
	return remote
}
