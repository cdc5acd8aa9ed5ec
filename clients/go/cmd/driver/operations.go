package main

import (
	"context"
	"errors"
	"io"

	"github.com/runlet/runlet/clients/go/runlet"
	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

type facts = map[string]any

var operations = map[string]func(*call) (facts, error){
	"create":     (*call).create,
	"close":      (*call).closeSession,
	"attach":     (*call).attach,
	"start":      (*call).start,
	"get":        (*call).get,
	"wait":       (*call).wait,
	"watch":      (*call).watch,
	"read":       (*call).read,
	"write":      (*call).write,
	"stream":     (*call).stream,
	"interact":   (*call).interact,
	"signal":     (*call).signal,
	"terminate":  (*call).terminate,
	"resize":     (*call).resize,
	"follow":     (*call).follow,
	"list_files": (*call).listFiles,
	"upload":     (*call).upload,
	"get_upload": (*call).getUpload,
	"download":   (*call).download,
	"connect":    (*call).connect,
	"request":    (*call).request,
}

func (c *call) create() (facts, error) {
	answer, err := c.sessions().CreateSession(c.context(), &runletv1.CreateSessionRequest{SessionId: c.SessionID})
	return facts{"session_id": answer.GetSession().GetSessionId()}, err
}

func (c *call) closeSession() (facts, error) {
	_, err := c.sessions().CloseSession(c.context(), &runletv1.CloseSessionRequest{SessionId: c.SessionID})
	return facts{}, err
}

func (c *call) attach() (facts, error) {
	stream, err := c.sessions().AttachSession(c.context(), &runletv1.AttachSessionRequest{
		SessionId: c.SessionID,
		Mode:      runletv1.AttachMode(runletv1.AttachMode_value[c.Mode]),
		HolderId:  c.HolderID,
		Attempt:   c.Attempt,
	})
	for err == nil {
		var answer *runletv1.AttachSessionResponse
		if answer, err = stream.Recv(); err != nil {
			break
		}
		switch event := answer.GetEvent().GetEvent().(type) {
		case *runletv1.SessionEvent_Attached:
			ids := []string{}
			for _, process := range event.Attached.GetProcesses() {
				ids = append(ids, process.GetProcessId())
			}
			c.note(facts{"attachment_id": event.Attached.GetAttachmentId(), "process_ids": ids})
		case *runletv1.SessionEvent_ProcessClosed:
			c.note(facts{"closed": event.ProcessClosed.GetProcess().GetProcessId()})
		case *runletv1.SessionEvent_ProcessEvicted:
			c.note(facts{"evicted": event.ProcessEvicted.GetProcessId()})
		}
	}
	return facts{}, unlessEnd(err)
}

func (c *call) start() (facts, error) {
	answer, err := c.processes().StartProcess(c.context(), c.startRequest())
	return factsOf(answer.GetProcess()), err
}

func (c *call) get() (facts, error) {
	answer, err := c.processes().GetProcess(c.context(), &runletv1.GetProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
	})
	return factsOf(answer.GetProcess()), err
}

func (c *call) wait() (facts, error) {
	answer, err := c.processes().WaitProcess(c.context(), &runletv1.WaitProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
	})
	return factsOf(answer.GetProcess()), err
}

func (c *call) watch() (facts, error) {
	reader := c.driver.reader(c.Reader)
	stream, err := c.processes().WatchProcess(c.context(), &runletv1.WatchProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		AfterSeq: reader.had(), ReaderId: c.ReaderID,
	})
	for err == nil {
		var answer *runletv1.WatchProcessResponse
		if answer, err = stream.Recv(); err == nil {
			reader.take(eventsOf(answer.GetEvents()), c)
			c.acknowledge(answer.GetEvents())
		}
	}
	return reader.facts(), unlessEnd(err)
}

// acknowledge says that events have come. That it failed, the stream tells too.
func (c *call) acknowledge(events []*runletv1.ProcessEvent) {
	if c.ReaderID == "" || len(events) == 0 {
		return
	}
	_, _ = c.processes().AcknowledgeOutput(c.context(), &runletv1.AcknowledgeOutputRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		ReaderId: c.ReaderID, Seq: events[len(events)-1].GetSeq(),
	})
}

func (c *call) read() (facts, error) {
	reader := c.driver.reader(c.Reader)
	answer, err := c.processes().ReadProcess(c.context(), &runletv1.ReadProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		AfterSeq: reader.had(), Wait: milliseconds(&c.WaitMs),
	})
	reader.take(eventsOf(answer.GetEvents()), c)
	return reader.facts(), err
}

func (c *call) write() (facts, error) {
	answer, err := c.processes().WriteStdin(c.context(), &runletv1.WriteStdinRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		Offset: c.Offset, Data: c.Data, Eof: c.EOF,
	})
	return facts{"accepted_offset": answer.GetAcceptedOffset()}, err
}

func (c *call) stream() (facts, error) {
	stream, err := c.processes().StreamStdin(c.context())
	if err != nil {
		return nil, err
	}
	for _, w := range c.Writes {
		request := &runletv1.StreamStdinRequest{
			SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
			Offset: w.Offset, Data: w.Data, Eof: w.EOF,
		}
		// The reason for a failure comes with the answer.
		if stream.Send(request) != nil {
			break
		}
	}
	answer, err := stream.CloseAndRecv()
	return facts{"accepted_offset": answer.GetAcceptedOffset()}, err
}

func (c *call) interact() (facts, error) {
	reader := c.driver.reader(c.Reader)
	stream, err := c.processes().Interact(c.context())
	if err != nil {
		return nil, err
	}
	requests := []*runletv1.InteractRequest{
		{Request: &runletv1.InteractRequest_Start{Start: c.startRequest()}},
	}
	for _, w := range c.Writes {
		stdin := &runletv1.InteractStdin{Offset: w.Offset, Data: w.Data, Eof: w.EOF}
		requests = append(requests, &runletv1.InteractRequest{
			Request: &runletv1.InteractRequest_Stdin{Stdin: stdin},
		})
	}
	for _, request := range requests {
		if stream.Send(request) != nil {
			break
		}
	}
	for {
		var answer *runletv1.InteractResponse
		if answer, err = stream.Recv(); err != nil {
			return reader.facts(), unlessEnd(err)
		}
		reader.take(eventsOf(answer.GetEvents()), c)
	}
}

func (c *call) signal() (facts, error) {
	_, err := c.processes().SignalProcess(c.context(), &runletv1.SignalProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		Signal: runletv1.Signal(runletv1.Signal_value[c.Signal]), Scope: c.scope(),
	})
	return facts{}, err
}

func (c *call) terminate() (facts, error) {
	answer, err := c.processes().TerminateProcess(c.context(), &runletv1.TerminateProcessRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		Grace: milliseconds(c.GraceMs), Scope: c.scope(),
	})
	known := factsOf(answer.GetProcess())
	known["was_running"] = answer.GetWasRunning()
	return known, err
}

func (c *call) resize() (facts, error) {
	_, err := c.processes().ResizeTerminal(c.context(), &runletv1.ResizeTerminalRequest{
		SessionId: c.SessionID, ProcessId: c.ProcessID, AttachmentId: c.AttachmentID,
		Size: c.size.message(),
	})
	return facts{}, err
}

// follow does all of it as the package does it by itself.
func (c *call) follow() (facts, error) {
	ctx := context.Background()
	client := runlet.Connect(c.Address, &c.driver.options)
	defer client.Close()
	session, err := client.Session(ctx, &runlet.SessionOptions{ID: c.SessionID})
	if err != nil {
		return nil, err
	}
	spec := runlet.Spec{
		Argv: c.Spec.Argv, Cwd: c.Spec.Cwd, Env: c.Spec.Env, ProcessID: c.ProcessID,
		Stdin:         c.Spec.Stdin == "STDIN_MODE_PIPE",
		RetainedBytes: c.Spec.RetainedBytes,
	}
	if c.Spec.Overflow == "OVERFLOW_PAUSE" {
		spec.Overflow = runlet.Pause
	}
	process, err := session.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	written := make(chan error, 1)
	go func() {
		stdin := process.Stdin(ctx)
		_, err := stdin.Write(c.Data)
		if err == nil && spec.Stdin {
			err = stdin.Close()
		}
		written <- err
	}()
	reader := c.driver.reader(c.Reader)
	for event, err := range process.Events(ctx, 0) {
		if err != nil {
			return nil, err
		}
		reader.take([]runlet.Event{event}, c)
	}
	return reader.facts(), <-written
}

func eventsOf(messages []*runletv1.ProcessEvent) []runlet.Event {
	var events []runlet.Event
	for _, message := range messages {
		if event := runlet.EventOf(message); event != nil {
			events = append(events, event)
		}
	}
	return events
}

// unlessEnd takes the end of a stream for what it is: no error.
func unlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
