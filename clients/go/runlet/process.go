package runlet

import (
	"context"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// A Signal has the number that Linux gives it, whatever this program or the server runs on. The
// package runletv1 has all of them.
type Signal = runletv1.Signal

// The signals that are sent most.
const (
	SIGHUP  = runletv1.Signal_SIGNAL_HUP
	SIGINT  = runletv1.Signal_SIGNAL_INT
	SIGKILL = runletv1.Signal_SIGNAL_KILL
	SIGTERM = runletv1.Signal_SIGNAL_TERM
)

// A Process is on the server, and goes on whatever becomes of the connection.
type Process struct {
	// ID names it in its session.
	ID string
	// Pid is its number on the server's machine, for people.
	Pid int64

	link        *link
	acknowledge bool
	stdin       stdin
}

func (s *Session) process(message *runletv1.Process, started bool) *Process {
	return &Process{
		ID: message.GetProcessId(), Pid: message.GetPid(), link: s.link,
		acknowledge: message.GetOverflow() == runletv1.Overflow_OVERFLOW_PAUSE,
		stdin:       stdin{link: s.link, processID: message.GetProcessId(), known: started},
	}
}

// Events iterates over all that happens to it, after the event with this number, to Closed.
// Nothing is missing or doubled where the connection breaks. An error is the last that comes.
//
// With the overflow Pause an event has come when the one after it is asked for: a process may be
// held up until then.
func (p *Process) Events(ctx context.Context, after uint64) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for message, err := range p.link.follow(ctx, p.ID, after, p.acknowledge) {
			if err != nil {
				yield(nil, err)
				return
			}
			if event := EventOf(message); event != nil && !yield(event, nil) {
				return
			}
		}
	}
}

// Output reads what it wrote to a stream, from the beginning, whenever it is read. Reading gives
// an [*OutputLostError] where some was dropped before. Close it unless it was read to its end.
func (p *Process) Output(ctx context.Context, stream Stream) *OutputReader {
	next, stop := iter.Pull2(p.Events(ctx, 0))
	return &OutputReader{stream: stream, next: next, stop: stop}
}

// Stdin writes to its standard input.
func (p *Process) Stdin(ctx context.Context) *StdinWriter {
	return &StdinWriter{ctx: ctx, stdin: &p.stdin}
}

// Wait waits until it has ended, and says how. Its output may go on.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	return p.wait(ctx, runletv1.WaitUntil_WAIT_UNTIL_EXITED)
}

// WaitClosed waits until its output has ended too.
func (p *Process) WaitClosed(ctx context.Context) (Exit, error) {
	return p.wait(ctx, runletv1.WaitUntil_WAIT_UNTIL_CLOSED)
}

func (p *Process) wait(ctx context.Context, until runletv1.WaitUntil) (Exit, error) {
	answer, err := call(ctx, p.link, true, func(ctx context.Context, c *connection) (*runletv1.WaitProcessResponse, error) {
		return c.processes.WaitProcess(ctx, &runletv1.WaitProcessRequest{
			SessionId: p.link.sessionID, ProcessId: p.ID, AttachmentId: c.attachmentID, Until: until,
		})
	})
	if err != nil {
		return Exit{}, err
	}
	return ExitOf(answer.GetProcess().GetStatus(), answer.GetProcess().GetReason()), nil
}

// Info says what it is now.
func (p *Process) Info(ctx context.Context) (ProcessInfo, error) {
	process, err := p.link.get(ctx, p.ID)
	return infoOf(process), err
}

func (l *link) get(ctx context.Context, processID string) (*runletv1.Process, error) {
	answer, err := call(ctx, l, true, func(ctx context.Context, c *connection) (*runletv1.GetProcessResponse, error) {
		return c.processes.GetProcess(ctx, &runletv1.GetProcessRequest{
			SessionId: l.sessionID, ProcessId: processID, AttachmentId: c.attachmentID,
		})
	})
	return answer.GetProcess(), err
}

// Signal sends a signal to its group. It is sent once at most, but for SIGKILL: where the
// connection breaks meanwhile, nobody knows whether it was, which a [*ConnectionError] says.
func (p *Process) Signal(ctx context.Context, signal Signal) error {
	_, err := call(ctx, p.link, signal == SIGKILL, func(ctx context.Context, c *connection) (*runletv1.SignalProcessResponse, error) {
		return c.processes.SignalProcess(ctx, &runletv1.SignalProcessRequest{
			SessionId: p.link.sessionID, ProcessId: p.ID, AttachmentId: c.attachmentID, Signal: signal,
		})
	})
	return err
}

// DefaultGrace is how long Terminate waits where nothing else is said.
const DefaultGrace = 5 * time.Second

// Terminate ends it and what came of it: with SIGTERM, and with SIGKILL after the grace. It
// returns when it has ended: whether it ran before. What it wrote can still be read.
func (p *Process) Terminate(ctx context.Context, grace time.Duration) (bool, error) {
	answer, err := call(ctx, p.link, true, func(ctx context.Context, c *connection) (*runletv1.TerminateProcessResponse, error) {
		return c.processes.TerminateProcess(ctx, &runletv1.TerminateProcessRequest{
			SessionId: p.link.sessionID, ProcessId: p.ID, AttachmentId: c.attachmentID,
			Grace: durationpb.New(grace),
		})
	})
	return answer.GetWasRunning(), err
}

// Resize sets the size of its terminal.
func (p *Process) Resize(ctx context.Context, size Size) error {
	_, err := call(ctx, p.link, true, func(ctx context.Context, c *connection) (*runletv1.ResizeTerminalResponse, error) {
		return c.processes.ResizeTerminal(ctx, &runletv1.ResizeTerminalRequest{
			SessionId: p.link.sessionID, ProcessId: p.ID, AttachmentId: c.attachmentID, Size: size.message(),
		})
	})
	return err
}
