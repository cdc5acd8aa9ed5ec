package runlet

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

const (
	header = "runlet-session-id"

	initialBackoff = 100 * time.Millisecond
	maxBackoff     = 3 * time.Second
	attemptTimeout = 10 * time.Second

	keepaliveTime    = 20 * time.Second
	keepaliveTimeout = 10 * time.Second
)

// Dial opens a connection to a server, for those who call the stubs themselves; it is made with
// the first call. Without credentials there is no TLS.
func Dial(address string, creds credentials.TransportCredentials, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	all := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: initialBackoff, Multiplier: 2, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: attemptTimeout,
		}),
	}
	// No proxy of the environment leads to what is on this machine.
	if isLocal(address) {
		all = append(all, grpc.WithNoProxy())
	}
	return grpc.NewClient(address, append(all, options...)...)
}

// DialWith opens a connection to a server as [Connect] does: with the TLS, the token and the
// DialOptions of the options. It is for those who call the stubs themselves.
func DialWith(address string, options *Options) (*grpc.ClientConn, error) {
	if options == nil {
		options = &Options{}
	}
	creds := options.Credentials
	if options.TLS != nil {
		if creds != nil {
			return nil, errors.New("there is TLS twice: in TLS, and in Credentials")
		}
		creds = credentials.NewTLS(options.TLS)
	}
	all := options.DialOptions
	if options.Token != nil {
		secure := !options.AllowInsecure && !isLocal(address)
		if secure && (creds == nil || creds.Info().SecurityProtocol == "insecure") {
			return nil, ErrPlaintextToken
		}
		token := grpc.WithPerRPCCredentials(bearer{source: options.Token, secure: secure})
		all = append([]grpc.DialOption{token}, all...)
	}
	return Dial(address, creds, all...)
}

// A connection has the services of a server, and who is attached over it.
type connection struct {
	conn         *grpc.ClientConn
	sessions     runletv1.SessionServiceClient
	processes    runletv1.ProcessServiceClient
	server       runletv1.ServerServiceClient
	attachmentID string
	over         atomic.Bool
	// Closed when it is over.
	done chan struct{}
}

func (c *Client) open() (*connection, error) {
	conn, err := DialWith(c.address, &c.options)
	if err != nil {
		return nil, &configError{cause: err}
	}
	return &connection{
		conn:      conn,
		sessions:  runletv1.NewSessionServiceClient(conn),
		processes: runletv1.NewProcessServiceClient(conn),
		server:    runletv1.NewServerServiceClient(conn),
		done:      make(chan struct{}),
	}, nil
}

// end gives it up: every call on it fails. Idempotent.
func (c *connection) end() {
	if !c.over.Swap(true) {
		close(c.done)
		c.conn.Close()
	}
}

// headers adds what every call carries.
func (c *Client) headers(ctx context.Context, sessionID string) (context.Context, error) {
	if c.options.Metadata != nil {
		own, err := c.options.Metadata(ctx)
		if err != nil {
			return nil, err
		}
		given, _ := metadata.FromOutgoingContext(ctx)
		ctx = metadata.NewOutgoingContext(ctx, metadata.Join(given, own))
	}
	if sessionID == "" {
		return ctx, nil
	}
	return metadata.AppendToOutgoingContext(ctx, header, sessionID), nil
}

// A backOff makes pauses that double, each drawn from its upper half, so that clients which lost
// the same server do not come back all at once.
type backOff struct{ attempts int }

func (b *backOff) next() time.Duration {
	most := min(maxBackoff, initialBackoff<<min(b.attempts, 8))
	b.attempts++
	return most/2 + rand.N(most/2)
}
