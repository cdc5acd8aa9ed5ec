package runlet

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// ErrPlaintextToken is returned where a token would leave this machine without TLS.
var ErrPlaintextToken = errors.New("a token would leave this machine without TLS: use TLS, or AllowInsecure")

// A TokenSource gives the token that a call presents. It is asked anew for each call, at times by
// several goroutines at once, and should keep a token that it had to fetch. The context is that of
// the call.
type TokenSource func(context.Context) (string, error)

// StaticToken is one token for all calls.
func StaticToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// TokenFile is the token that a file has. It is read for each call, so that a token that was
// renewed is used from the next call on.
func TokenFile(path string) TokenSource {
	return func(context.Context) (string, error) {
		text, err := os.ReadFile(path)
		return string(text), err
	}
}

// TokenCredentials present a token with every call of a connection that has TLS, for
// [grpc.WithPerRPCCredentials]: for those who make connections without this package.
func TokenCredentials(source TokenSource) credentials.PerRPCCredentials {
	return bearer{source: source, secure: true}
}

// A bearer presents tokens.
type bearer struct {
	source TokenSource
	secure bool
}

// RequireTransportSecurity keeps grpc from sending a token over a connection without TLS.
func (b bearer) RequireTransportSecurity() bool { return b.secure }

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b.source(ctx)
	if err != nil {
		// It may be there the next time: a file that is being replaced, for example.
		return nil, status.Errorf(codes.Unavailable, "there is no token: %v", err)
	}
	token = strings.TrimSpace(token)
	if !isHeaderText(token) {
		return nil, status.Error(codes.Unauthenticated, "the token is empty, or no text of ASCII without blanks")
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// isHeaderText tells whether a text is one word of visible characters.
func isHeaderText(text string) bool {
	for _, char := range []byte(text) {
		if char <= ' ' || char > '~' {
			return false
		}
	}
	return text != ""
}

// isLocal tells whether what is sent to an address stays on this machine.
func isLocal(address string) bool {
	if strings.HasPrefix(address, "unix:") || strings.HasPrefix(address, "unix-abstract:") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
