package runlet

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/proto"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// call makes a call over the connection that there is, waiting for one where there is none; and
// again over the next one if it did not come through, and a repetition does no harm.
func call[T any](
	ctx context.Context, l *link, idempotent bool, make func(context.Context, *connection) (T, error),
) (T, error) {
	var none T
	ambiguous := 0
	renewed := false
	for {
		c, err := l.ready(ctx)
		if err != nil {
			return none, err
		}
		carrying, err := l.client.headers(ctx, l.sessionID)
		if err != nil {
			return none, err
		}
		answer, err := make(carrying, c)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return none, context.Cause(ctx)
		}
		failed, err := l.failed(c, err)
		if err != nil {
			return none, err
		}
		if failed.kind == credentialsOver {
			if renewed {
				return none, failed.err
			}
			renewed = true
			continue
		}
		if failed.ambiguous {
			ambiguous++
		}
		if !idempotent || ambiguous >= maxAmbiguous {
			return none, &ConnectionError{OutcomeUnknown: true, Cause: failed.err}
		}
	}
}

// failed tells what a failed call was, if it may be made again; an error is final.
func (l *link) failed(c *connection, err error) (failure, error) {
	if lost := l.lost(); lost != nil {
		return failure{}, lost
	}
	failed := failureOf(err)
	// It failed since the connection was given up, of which the call is not to blame.
	if c.over.Load() {
		failed.ambiguous = false
		return failed, nil
	}
	reason := failed.lostReason()
	switch {
	// Where credentials are over, attaching anew tells whether others are to be had.
	case failed.kind == connectionFailed, failed.kind == credentialsOver:
		l.suspect(c)
	case failed.kind == credentialsRefused:
		l.end(l.loss(LostCredentialsRefused, failed.err))
	case reason == "" || reason == LostServerShutdown:
		return failed, failed.err
	default:
		l.refused(c, l.loss(reason, failed.err))
	}
	return failed, l.lost()
}

// follow gives the events of a process after one, to the last, over as many connections as it
// takes. With acknowledge the server is told what has come: a message has when what follows it
// is asked for.
func (l *link) follow(
	ctx context.Context, processID string, after uint64, acknowledge bool,
) iter.Seq2[*runletv1.ProcessEvent, error] {
	return func(yield func(*runletv1.ProcessEvent, error) bool) {
		f := follower{link: l, processID: processID, last: after, yield: yield}
		if acknowledge {
			f.readerID = newID()
		}
		ambiguous := 0
		renewed := false
		for {
			c, err := l.ready(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			before := f.last
			err = f.read(ctx, c)
			if f.over {
				return
			}
			if ctx.Err() != nil {
				yield(nil, context.Cause(ctx))
				return
			}
			failed, final := l.failed(c, err)
			if f.last != before {
				ambiguous = 0
				renewed = false
			}
			if final == nil && failed.kind == credentialsOver {
				if renewed {
					final = failed.err
				}
				renewed = true
			}
			if failed.ambiguous {
				ambiguous++
			}
			if final == nil && ambiguous >= maxAmbiguous {
				final = &ConnectionError{Cause: failed.err}
			}
			if final != nil {
				yield(nil, final)
				return
			}
		}
	}
}

type follower struct {
	link                *link
	processID, readerID string
	last                uint64
	yield               func(*runletv1.ProcessEvent, error) bool
	// The last event has come, or nobody wants more.
	over bool
}

// read reads over one connection, until that or the process is over.
func (f *follower) read(ctx context.Context, c *connection) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ctx, err := f.link.client.headers(ctx, f.link.sessionID)
	if err != nil {
		return err
	}
	acknowledged := f.acknowledger(ctx, c)
	defer acknowledged.stop()
	stream, err := c.processes.WatchProcess(ctx, &runletv1.WatchProcessRequest{
		SessionId: f.link.sessionID, ProcessId: f.processID, AttachmentId: c.attachmentID,
		AfterSeq: f.last, ReaderId: f.readerID,
	})
	if err != nil {
		return err
	}
	for {
		// What the program takes between two messages does not count.
		silent := time.AfterFunc(f.link.silence, cancel)
		answer, err := stream.Recv()
		silent.Stop()
		if err != nil {
			return err
		}
		for _, event := range answer.GetEvents() {
			more := f.yield(event, nil)
			f.last = event.GetSeq()
			if !more || event.GetClosed() != nil {
				f.over = true
				return nil
			}
		}
		if len(answer.GetEvents()) > 0 {
			acknowledged.had(f.last, proto.Size(answer))
		}
	}
}

func (f *follower) acknowledger(ctx context.Context, c *connection) *acknowledger {
	if f.readerID == "" {
		return nil
	}
	return &acknowledger{send: func(seq uint64) {
		// That it failed is no matter: what is said next is the same and more.
		_, _ = c.processes.AcknowledgeOutput(ctx, &runletv1.AcknowledgeOutputRequest{
			SessionId: f.link.sessionID, ProcessId: f.processID, AttachmentId: c.attachmentID,
			ReaderId: f.readerID, Seq: seq,
		})
	}}
}
