package runlet

import (
	"context"
	"crypto/tls"
	"sync"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

const (
	defaultConnectTimeout = 10 * time.Second
	defaultHeartbeat      = 15 * time.Second
	// What a stream may be silent for beyond two heartbeats.
	silenceMargin = 5 * time.Second
)

// Options say how a client connects.
type Options struct {
	// TLS turns TLS on, mutual TLS where it has a certificate; [TLSFiles] makes one of files.
	// Default: there is none.
	TLS *tls.Config
	// Credentials are another way to say so, for those who have their own.
	Credentials credentials.TransportCredentials
	// Token is presented with every call: [StaticToken], [TokenFile], or a function of your own.
	// Default: none is.
	Token TokenSource
	// AllowInsecure lets a token leave this machine without TLS, where whoever is on the way can
	// read it. Default: the error is ErrPlaintextToken.
	AllowInsecure bool
	// Metadata gives headers for a call. It is asked anew for each.
	Metadata func(context.Context) (metadata.MD, error)
	// ConnectTimeout is how long the first connection may take. Default: 10 seconds.
	ConnectTimeout time.Duration
	// Window is how long it is tried to come back after a break. Default: the DetachedTTL of
	// the session.
	Window time.Duration
	// DialOptions are for the library of gRPC.
	DialOptions []grpc.DialOption
}

// A Client is one of one server.
type Client struct {
	address string
	options Options

	mutex    sync.Mutex
	sessions map[*Session]struct{}
	runs     *Session
}

// Connect makes a client of the server at host:port, or unix:/path. Nothing is opened yet. The
// options may be nil.
func Connect(address string, options *Options) *Client {
	client := &Client{address: address, sessions: map[*Session]struct{}{}}
	if options != nil {
		client.options = *options
	}
	if client.options.ConnectTimeout == 0 {
		client.options.ConnectTimeout = defaultConnectTimeout
	}
	return client
}

// SessionOptions say which session, and how it is made.
type SessionOptions struct {
	// ID is that of a session to come back to. Default: a new one is made.
	ID string
	// DetachedTTL is how long it lives when nobody is attached. Default: the server's.
	DetachedTTL time.Duration
	Labels      map[string]string
	// KeepOthers leaves a session alone that somebody else is attached to: the error is
	// ErrSessionInUse. Default: it is taken over.
	KeepOthers bool
}

// Session creates a session, or comes back to one, and keeps it within reach. The options may be
// nil. Where there is none with the ID the error is ErrSessionNotFound.
func (c *Client) Session(ctx context.Context, options *SessionOptions) (*Session, error) {
	if options == nil {
		options = &SessionOptions{}
	}
	id := options.ID
	if id == "" {
		id = newID()
	}
	limits, err := once(ctx, c, id, func(ctx context.Context, open *connection) (*runletv1.Limits, error) {
		info, err := open.server.GetServerInfo(ctx, &runletv1.GetServerInfoRequest{})
		if err != nil || options.ID != "" {
			return info.GetLimits(), err
		}
		request := &runletv1.CreateSessionRequest{SessionId: id, Labels: options.Labels}
		if options.DetachedTTL != 0 {
			request.DetachedTtl = durationpb.New(options.DetachedTTL)
		}
		_, err = open.sessions.CreateSession(ctx, request)
		return info.GetLimits(), err
	})
	if err != nil {
		return nil, err
	}
	mode := runletv1.AttachMode_ATTACH_MODE_TAKE_OVER
	if options.KeepOthers {
		mode = runletv1.AttachMode_ATTACH_MODE_REJECT_IF_ATTACHED
	}
	heartbeat := limits.GetHeartbeatInterval().AsDuration()
	if heartbeat == 0 {
		heartbeat = defaultHeartbeat
	}
	made := c.link(id, mode, 2*heartbeat+silenceMargin)
	if _, err := made.ready(ctx); err != nil {
		made.end(made.loss(LostLeft, err))
		return nil, err
	}
	// A process that ends during a break can be read after it.
	retention := max(limits.GetDefaultRetention().AsDuration(), made.recovery())
	session := &Session{ID: id, link: made, retention: min(retention, limits.GetMaxRetention().AsDuration())}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.sessions[session] = struct{}{}
	context.AfterFunc(made.over, func() {
		c.mutex.Lock()
		defer c.mutex.Unlock()
		delete(c.sessions, session)
	})
	return session, nil
}

// Close leaves all its sessions. They go on for their DetachedTTL; commands of Run end.
func (c *Client) Close() {
	c.mutex.Lock()
	runs := c.runs
	c.runs = nil
	all := make([]*Session, 0, len(c.sessions))
	for session := range c.sessions {
		all = append(all, session)
	}
	c.mutex.Unlock()
	if runs != nil {
		ctx, cancel := context.WithTimeout(context.Background(), attemptTimeout)
		defer cancel()
		// One that is out of reach expires.
		_ = runs.Close(ctx)
	}
	for _, session := range all {
		session.Detach()
	}
}

// once makes a call that may be repeated, over a connection of its own.
func once[T any](
	ctx context.Context, client *Client, sessionID string, make func(context.Context, *connection) (T, error),
) (T, error) {
	var none T
	var pauses backOff
	deadline := time.Now().Add(client.options.ConnectTimeout)
	for {
		answer, err := attempt(ctx, client, sessionID, make)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return none, context.Cause(ctx)
		}
		failed := failureOf(err)
		if failed.kind != connectionFailed {
			return none, failed.err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return none, &ConnectionError{Cause: err}
		}
		select {
		case <-time.After(min(pauses.next(), left)):
		case <-ctx.Done():
			return none, context.Cause(ctx)
		}
	}
}

func attempt[T any](
	ctx context.Context, client *Client, sessionID string, make func(context.Context, *connection) (T, error),
) (T, error) {
	var none T
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	ctx, err := client.headers(ctx, sessionID)
	if err != nil {
		return none, err
	}
	c, err := client.open()
	if err != nil {
		return none, err
	}
	defer c.end()
	return make(ctx, c)
}

// newID makes an id that nobody can guess.
func newID() string { return uuid.NewString() }
