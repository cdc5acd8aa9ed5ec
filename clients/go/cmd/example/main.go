// Command example shows what a client of runlet does: it survives a broken
// connection without losing or doubling anything. The argument is the address of
// a server, 127.0.0.1:50051 by default.
package main

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// A client works in one session, over one connection after the other.
type client struct {
	address      string
	sessionID    string
	holderID     string
	attempt      uint64
	attachmentID string
	connection   *grpc.ClientConn
	sessions     runletv1.SessionServiceClient
	processes    runletv1.ProcessServiceClient
}

// connect opens a connection of its own, after giving up the one before.
func (c *client) connect() {
	if c.connection != nil {
		c.connection.Close()
	}
	connection, err := grpc.NewClient(c.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	must(err)
	c.connection = connection
	c.sessions = runletv1.NewSessionServiceClient(connection)
	c.processes = runletv1.NewProcessServiceClient(connection)
}

// context repeats the session's id in a header, for proxies that route by it.
func (c *client) context() context.Context {
	return metadata.AppendToOutgoingContext(context.Background(), "runlet-session-id", c.sessionID)
}

// attach takes the session; again after a break, unless somebody else has it.
func (c *client) attach() {
	c.attempt++
	mode := runletv1.AttachMode_ATTACH_MODE_TAKE_OVER
	if c.attempt > 1 {
		mode = runletv1.AttachMode_ATTACH_MODE_RESUME
	}
	stream, err := c.sessions.AttachSession(c.context(), &runletv1.AttachSessionRequest{
		SessionId: c.sessionID, Mode: mode, HolderId: c.holderID, Attempt: c.attempt,
	})
	must(err)
	first, err := stream.Recv()
	must(err)
	c.attachmentID = first.GetEvent().GetAttached().GetAttachmentId()
	fmt.Println("attached as attempt", c.attempt)
	// The session is attached as long as the stream is open and read.
	go func() {
		for err == nil {
			_, err = stream.Recv()
		}
	}()
}

func (c *client) start(id string, spec *runletv1.ProcessSpec) (*runletv1.Process, error) {
	answer, err := c.processes.StartProcess(c.context(), &runletv1.StartProcessRequest{
		SessionId: c.sessionID, ProcessId: id, AttachmentId: c.attachmentID,
		RequestId: id + "-1", Spec: spec,
	})
	return answer.GetProcess(), err
}

// write says where its data belongs, so that a retry is not doubled.
func (c *client) write(id string, offset uint64, data string) {
	_, err := c.processes.WriteStdin(c.context(), &runletv1.WriteStdinRequest{
		SessionId: c.sessionID, ProcessId: id, AttachmentId: c.attachmentID,
		Offset: &offset, Data: []byte(data),
	})
	must(err)
}

// watch hands on the events after *seq until one is enough, and stores in *seq how
// far it came.
func (c *client) watch(id string, seq *uint64, enough func(*runletv1.ProcessEvent) bool) {
	ctx, cancel := context.WithCancel(c.context())
	defer cancel()
	stream, err := c.processes.WatchProcess(ctx, &runletv1.WatchProcessRequest{
		SessionId: c.sessionID, ProcessId: id, AttachmentId: c.attachmentID, AfterSeq: *seq,
	})
	must(err)
	for {
		answer, err := stream.Recv()
		must(err)
		for _, event := range answer.GetEvents() {
			*seq = event.Seq
			if enough(event) {
				return
			}
		}
	}
}

func (c *client) readLine(id string, seq *uint64) string {
	var line []byte
	c.watch(id, seq, func(event *runletv1.ProcessEvent) bool {
		line = append(line, event.GetOutput().GetData()...)
		return bytes.HasSuffix(line, []byte("\n"))
	})
	return strings.TrimSpace(string(line))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	address := "127.0.0.1:50051"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	// From a cryptographic source: nobody else can guess the session.
	c := &client{address: address, sessionID: uuid.NewString(), holderID: uuid.NewString()}
	c.connect()
	_, err := c.sessions.CreateSession(c.context(), &runletv1.CreateSessionRequest{
		SessionId: c.sessionID, DetachedTtl: durationpb.New(time.Minute),
	})
	must(err)
	c.attach()

	// Started twice with one request id, it runs once.
	echo := &runletv1.ProcessSpec{
		Argv:  []string{"/bin/sh", "-c", `while read -r line; do echo "got $line"; done`},
		Stdin: runletv1.StdinMode_STDIN_MODE_PIPE,
	}
	first, err := c.start("echo", echo)
	must(err)
	again, err := c.start("echo", echo)
	must(err)
	fmt.Println("started once:", first.Pid == again.Pid)

	var seq uint64
	c.write("echo", 0, "one\n")
	fmt.Println("read:", c.readLine("echo", &seq))

	// The connection breaks, and nobody knows what the last write came to: repeat it.
	c.connect()
	c.attach()
	c.write("echo", 0, "one\n")
	c.write("echo", 4, "two\n")
	fmt.Println("read:", c.readLine("echo", &seq))

	_, err = c.processes.TerminateProcess(c.context(), &runletv1.TerminateProcessRequest{
		SessionId: c.sessionID, ProcessId: "echo", AttachmentId: c.attachmentID,
	})
	must(err)
	c.watch("echo", &seq, func(event *runletv1.ProcessEvent) bool {
		if exited := event.GetExited(); exited != nil {
			fmt.Println("ended:", exited.Reason)
		}
		return event.GetClosed() != nil
	})

	_, err = c.start("missing", &runletv1.ProcessSpec{Argv: []string{"/no/such/program"}})
	for _, detail := range status.Convert(err).Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Println("failed:", detail.Reason)
		case *runletv1.StartFailure:
			fmt.Println("because:", detail.Stage, detail.ErrnoName)
		}
	}

	size := &runletv1.TerminalSize{Columns: 100, Rows: 30}
	_, err = c.start("terminal", &runletv1.ProcessSpec{
		Argv: []string{"stty", "size"}, Terminal: &runletv1.Terminal{Size: size},
	})
	must(err)
	seq = 0
	fmt.Println("terminal:", c.readLine("terminal", &seq))

	_, err = c.sessions.CloseSession(c.context(), &runletv1.CloseSessionRequest{SessionId: c.sessionID})
	must(err)
}
