package runlet

import (
	"errors"

	"google.golang.org/grpc/codes"
)

// Failures in a row of one call that may be the server's fault, before it is given up.
const maxAmbiguous = 5

type failureKind int

const (
	// The server, or a proxy, refused.
	refused failureKind = iota
	credentialsRefused
	// It does not know who calls, or not any more. Nothing was done, and the next token, or
	// certificate, may be a new one.
	credentialsOver
	// It did not come through.
	connectionFailed
)

// A configError says that what the program asked for cannot be.
type configError struct{ cause error }

func (e *configError) Error() string { return e.cause.Error() }

// What a call failed of. ambiguous: it may also be the server's fault, so that it should not be
// tried for ever.
type failure struct {
	kind      failureKind
	err       error
	ambiguous bool
}

// failureOf tells what a call failed of.
func failureOf(err error) failure {
	var config *configError
	if errors.As(err, &config) {
		return failure{kind: refused, err: config.cause}
	}
	remote := FromRPC(err)
	if remote == nil {
		return failure{kind: connectionFailed, err: err}
	}
	if remote.Code == codes.Unauthenticated {
		return failure{kind: credentialsOver, err: remote}
	}
	// A proxy on the way may say why in words of its own.
	if remote.Domain != domain {
		switch remote.Code {
		case codes.Unavailable, codes.Canceled, codes.DeadlineExceeded:
			return failure{kind: connectionFailed, err: err}
		case codes.Unknown, codes.Internal:
			return failure{kind: connectionFailed, err: err, ambiguous: true}
		case codes.PermissionDenied:
			return failure{kind: credentialsRefused, err: remote}
		}
	}
	return failure{kind: refused, err: remote}
}

// lostReason says why the session is lost, which a call was refused for; empty: it is not.
func (f failure) lostReason() LostReason {
	remote, ok := f.err.(*RemoteError)
	if !ok {
		return ""
	}
	switch remote.Reason {
	case ErrSessionNotFound:
		return LostExpired
	case errSessionClosed:
		return LostClosed
	case errSuperseded:
		return LostSuperseded
	case ErrServerShutsDown:
		return LostServerShutdown
	}
	return ""
}
