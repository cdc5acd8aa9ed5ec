package runlet

import (
	"context"
	"errors"
	"sync"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// Bytes of one write at most: a message stays below what proxies refuse, 1 MiB by default.
const maxWrite = 511 << 10

// What is known of a process's standard input.
type stdin struct {
	link      *link
	processID string

	mutex sync.Mutex
	// Where the next write belongs; not known: it is to be asked for.
	offset uint64
	known  bool
}

// A StdinWriter writes to the standard input of a process. A write returns when its bytes are in
// the pipe, so it is as slow as the process reads. What a break of the connection leaves in doubt
// is written again, at its place, and never doubled.
type StdinWriter struct {
	ctx   context.Context
	stdin *stdin
}

// Write writes all of data. It returns an error that is ErrStdinClosed where the process closed
// its end, or has ended.
func (w *StdinWriter) Write(data []byte) (int, error) {
	w.stdin.mutex.Lock()
	defer w.stdin.mutex.Unlock()
	for begin := 0; begin < len(data); begin += maxWrite {
		part := data[begin:min(begin+maxWrite, len(data))]
		if err := w.stdin.write(w.ctx, part, false); err != nil {
			return begin, err
		}
	}
	return len(data), nil
}

// Close is the end of the file. It is no error if the process closed its end before.
func (w *StdinWriter) Close() error {
	w.stdin.mutex.Lock()
	defer w.stdin.mutex.Unlock()
	err := w.stdin.write(w.ctx, nil, true)
	if errors.Is(err, ErrStdinClosed) {
		return nil
	}
	return err
}

func (s *stdin) write(ctx context.Context, data []byte, eof bool) error {
	if !s.known {
		accepted, err := s.send(ctx, &runletv1.WriteStdinRequest{})
		if err != nil {
			return err
		}
		s.offset, s.known = accepted, true
	}
	accepted, err := s.send(ctx, &runletv1.WriteStdinRequest{Offset: &s.offset, Data: data, Eof: eof})
	if err != nil {
		return err
	}
	s.offset += uint64(len(data))
	if accepted != s.offset {
		return ErrStdinConflict
	}
	return nil
}

func (s *stdin) send(ctx context.Context, request *runletv1.WriteStdinRequest) (uint64, error) {
	answer, err := call(ctx, s.link, true, func(ctx context.Context, c *connection) (*runletv1.WriteStdinResponse, error) {
		request.SessionId, request.ProcessId, request.AttachmentId = s.link.sessionID, s.processID, c.attachmentID
		return c.processes.WriteStdin(ctx, request)
	})
	return answer.GetAcceptedOffset(), err
}
