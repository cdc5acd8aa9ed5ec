package runlet

import (
	"context"
	"errors"
	"sync"
	"time"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

const (
	// A connection that was in use for this long is a success: pauses begin anew after it.
	stable = time.Second
	// How long the attached stream has to say why the session is gone.
	verdict = time.Second
)

// A link keeps a session within reach: it connects, attaches, and does both again when the
// connection breaks, until the recovery window has passed or the server says that the session is
// gone. There is one attempt at a time, and one connection.
type link struct {
	client    *Client
	sessionID string
	mode      runletv1.AttachMode
	holderID  string
	silence   time.Duration
	// Done when the session is over for this client.
	over context.Context
	stop context.CancelFunc

	// Used by its own goroutine alone.
	attempts uint64
	// Since it was attached, its credentials were not accepted.
	unknown bool

	mutex sync.Mutex
	// Closed, and made anew, at every change of what follows.
	changed   chan struct{}
	current   *connection
	err       error
	reached   bool
	downSince time.Time
	window    time.Duration
}

func (c *Client) link(sessionID string, mode runletv1.AttachMode, silence time.Duration) *link {
	l := &link{
		client: c, sessionID: sessionID, mode: mode, silence: silence, holderID: newID(),
		changed: make(chan struct{}), downSince: time.Now(), window: c.options.ConnectTimeout,
	}
	l.over, l.stop = context.WithCancel(context.Background())
	go l.keep()
	return l
}

// lost says why the session is over for this client; nil: it is not.
func (l *link) lost() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.err
}

// ready waits for a connection to use.
func (l *link) ready(ctx context.Context) (*connection, error) {
	for {
		l.mutex.Lock()
		current, err, changed := l.current, l.err, l.changed
		l.mutex.Unlock()
		if err != nil {
			return nil, err
		}
		if current != nil {
			return current, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// suspect gives a connection up over which a call did not come through.
func (l *link) suspect(c *connection) {
	l.down(c)
	c.end()
}

// refused is told of a call that was refused because the session is gone. Unless the connection
// is over, when the next attempt to attach tells, the link is.
func (l *link) refused(c *connection, loss *SessionLostError) {
	if loss.Reason == LostExpired {
		// The attached stream is about to say what became of it.
		select {
		case <-c.done:
		case <-time.After(verdict):
		}
	}
	if !c.over.Load() {
		l.end(loss)
	}
}

// end ends it. Everything that waits fails. Idempotent.
func (l *link) end(err error) {
	l.mutex.Lock()
	current := l.current
	if l.err == nil {
		l.err = err
		l.current = nil
		l.tell()
	}
	l.mutex.Unlock()
	l.stop()
	if current != nil {
		current.end()
	}
}

func (l *link) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *link) keep() {
	var pauses backOff
	for l.over.Err() == nil {
		c, err := l.client.open()
		if err != nil {
			l.end(&ConnectionError{Cause: err})
			return
		}
		release := context.AfterFunc(l.over, c.end)
		began := time.Now()
		failed := l.live(c)
		release()
		c.end()
		l.down(c)
		if c.attachmentID != "" {
			l.unknown = false
		}
		if final := l.final(failed); final != nil {
			l.end(final)
			return
		}
		if c.attachmentID != "" && time.Since(began) >= stable {
			pauses = backOff{}
		}
		l.pause(pauses.next(), failed)
	}
}

// live is one life of a connection, from its making to its failure.
func (l *link) live(c *connection) failure {
	err := l.attach(c)
	if c.over.Load() {
		// What became of the stream says nothing.
		return failure{kind: connectionFailed, err: err}
	}
	return failureOf(err)
}

func (l *link) attach(c *connection) error {
	l.attempts++
	request := &runletv1.AttachSessionRequest{
		SessionId: l.sessionID, Mode: l.mode, HolderId: l.holderID, Attempt: l.attempts,
	}
	if l.hasReached() {
		request.Mode = runletv1.AttachMode_ATTACH_MODE_RESUME
	}
	ctx, cancel := context.WithCancel(l.over)
	defer cancel()
	silent := time.AfterFunc(attemptTimeout, cancel)
	defer silent.Stop()
	ctx, err := l.client.headers(ctx, l.sessionID)
	if err != nil {
		return err
	}
	stream, err := c.sessions.AttachSession(ctx, request)
	for err == nil {
		var answer *runletv1.AttachSessionResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		silent.Reset(l.silence)
		if attached := answer.GetEvent().GetAttached(); attached != nil {
			l.up(c, attached)
		}
	}
	return err
}

// recovery is how long it is tried to come back.
func (l *link) recovery() time.Duration {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.window
}

func (l *link) hasReached() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.reached
}

func (l *link) up(c *connection, attached *runletv1.SessionAttached) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	c.attachmentID = attached.GetAttachmentId()
	if l.err != nil || c.over.Load() {
		return
	}
	l.reached = true
	l.window = l.client.options.Window
	if l.window == 0 {
		l.window = attached.GetSession().GetDetachedTtl().AsDuration()
	}
	l.current = c
	l.tell()
}

func (l *link) down(c *connection) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.current == c {
		l.current = nil
		l.downSince = time.Now()
	}
}

// final says why another attempt would be in vain; nil: it would not.
func (l *link) final(failed failure) error {
	if failed.kind == connectionFailed {
		return nil
	}
	if !l.hasReached() {
		return failed.err
	}
	// The next attempt has those that there are then: a token or a certificate that was renewed.
	if failed.kind == credentialsOver && !l.unknown {
		l.unknown = true
		return nil
	}
	if failed.kind == credentialsRefused || failed.kind == credentialsOver {
		return l.loss(LostCredentialsRefused, failed.err)
	}
	// It did not read fast enough, which may be its machine's fault.
	if errors.Is(failed.err, ErrLimitExceeded) {
		return nil
	}
	if reason := failed.lostReason(); reason != "" {
		return l.loss(reason, failed.err)
	}
	return l.loss(LostRefused, failed.err)
}

func (l *link) loss(reason LostReason, cause error) *SessionLostError {
	return &SessionLostError{Reason: reason, SessionID: l.sessionID, Cause: cause}
}

// pause waits before the next attempt, or ends the link if there is no time for one.
func (l *link) pause(most time.Duration, failed failure) {
	l.mutex.Lock()
	left := l.window - time.Since(l.downSince)
	reached := l.reached
	l.mutex.Unlock()
	if left > 0 {
		select {
		case <-l.over.Done():
		case <-time.After(min(most, left)):
		}
		return
	}
	if reached {
		l.end(l.loss(LostWindowPassed, failed.err))
	} else {
		l.end(&ConnectionError{Cause: failed.err})
	}
}
