package runlet

import (
	"context"
	"errors"
	"time"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// A Session owns processes. It is kept attached, over as many connections as it takes, until it
// is closed, left or lost.
type Session struct {
	// ID is what another program comes back to it by.
	ID string

	link      *link
	retention time.Duration
}

// Lost says why it is over for this client; nil: it is not.
func (s *Session) Lost() error { return s.link.lost() }

// Start starts a command, once, however often the connection breaks meanwhile. Where it could not
// be started the error is ErrStartFailed.
func (s *Session) Start(ctx context.Context, spec Spec) (*Process, error) {
	message, err := spec.message(s.retention)
	if err != nil {
		return nil, err
	}
	requestID := newID()
	answer, err := call(ctx, s.link, true, func(ctx context.Context, c *connection) (*runletv1.StartProcessResponse, error) {
		return c.processes.StartProcess(ctx, &runletv1.StartProcessRequest{
			SessionId: s.ID, ProcessId: spec.ProcessID, AttachmentId: c.attachmentID,
			RequestId: requestID, Spec: message,
		})
	})
	if err != nil {
		return nil, err
	}
	return s.process(answer.GetProcess(), true), nil
}

// Process is one that was started before, perhaps by another program.
func (s *Session) Process(ctx context.Context, id string) (*Process, error) {
	message, err := s.link.get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.process(message, false), nil
}

// Processes are all that it has, in the order in which they were started.
func (s *Session) Processes(ctx context.Context) ([]ProcessInfo, error) {
	var all []ProcessInfo
	token := ""
	for {
		page, err := call(ctx, s.link, true, func(ctx context.Context, c *connection) (*runletv1.ListProcessesResponse, error) {
			return c.processes.ListProcesses(ctx, &runletv1.ListProcessesRequest{
				SessionId: s.ID, AttachmentId: c.attachmentID, PageToken: token,
			})
		})
		if err != nil {
			return nil, err
		}
		for _, process := range page.GetProcesses() {
			all = append(all, infoOf(process))
		}
		if token = page.GetNextPageToken(); token == "" {
			return all, nil
		}
	}
}

// Detach leaves it: it lives on for its DetachedTTL, and can be come back to by its ID.
func (s *Session) Detach() {
	s.link.end(s.link.loss(LostLeft, nil))
}

// Close ends it and every process in it. Nothing happens if it is over already.
func (s *Session) Close(ctx context.Context) error {
	if s.Lost() != nil {
		return nil
	}
	s.Detach()
	_, err := once(ctx, s.link.client, s.ID, func(ctx context.Context, c *connection) (*runletv1.CloseSessionResponse, error) {
		return c.sessions.CloseSession(ctx, &runletv1.CloseSessionRequest{SessionId: s.ID})
	})
	// It ended by itself.
	if errors.Is(err, ErrSessionNotFound) {
		return nil
	}
	return err
}
