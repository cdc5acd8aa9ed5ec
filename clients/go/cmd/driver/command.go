package main

import (
	"context"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/durationpb"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// A command, as it is read. Which fields count depends on the operation.
type command struct {
	ID           int     `json:"id"`
	Op           string  `json:"op"`
	Address      string  `json:"address"`
	SessionID    string  `json:"session_id"`
	Header       *string `json:"header"`
	ProcessID    string  `json:"process_id"`
	AttachmentID string  `json:"attachment_id"`
	RequestID    string  `json:"request_id"`
	Mode         string  `json:"mode"`
	HolderID     string  `json:"holder_id"`
	Attempt      uint64  `json:"attempt"`
	Spec         spec    `json:"spec"`
	Reader       string  `json:"reader"`
	ReaderID     string  `json:"reader_id"`
	NotifyBytes  uint64  `json:"notify_bytes"`
	WaitMs       int64   `json:"wait_ms"`
	stdinWrite
	Writes  []stdinWrite `json:"writes"`
	Signal  string       `json:"signal"`
	Scope   string       `json:"scope"`
	GraceMs *int64       `json:"grace_ms"`
	size
	Path      string `json:"path"`
	RawPath   []byte `json:"raw_path"`
	From      string `json:"from"`
	UploadID  string `json:"upload_id"`
	IfVersion string `json:"if_version"`
	Host      string `json:"host"`
	Port      uint32 `json:"port"`
	Method    string `json:"method"`
	URL       string `json:"url"`
	// Each a name and a value.
	Headers [][2]string `json:"headers"`
	Pieces  [][]byte    `json:"pieces"`
}

type stdinWrite struct {
	Offset *uint64 `json:"offset"`
	Data   []byte  `json:"data"`
	EOF    bool    `json:"eof"`
}

type size struct {
	Columns uint32 `json:"columns"`
	Rows    uint32 `json:"rows"`
}

type spec struct {
	Argv          []string          `json:"argv"`
	Cwd           string            `json:"cwd"`
	Env           map[string]string `json:"env"`
	Stdin         string            `json:"stdin"`
	Terminal      *size             `json:"terminal"`
	RetainedBytes uint64            `json:"retained_bytes"`
	Overflow      string            `json:"overflow"`
	RetentionMs   *int64            `json:"retention_ms"`
	Writable      []string          `json:"writable"`
}

// A command that is being performed.
type call struct {
	command
	driver *driver
}

// context carries the session's id in the header that proxies route by.
func (c *call) context() context.Context {
	header := c.SessionID
	if c.Header != nil {
		header = *c.Header
	}
	return metadata.AppendToOutgoingContext(context.Background(), "runlet-session-id", header)
}

func (c *call) startRequest() *runletv1.StartProcessRequest {
	s := c.Spec
	made := &runletv1.ProcessSpec{
		Argv:      s.Argv,
		Cwd:       s.Cwd,
		Env:       s.Env,
		Stdin:     runletv1.StdinMode(runletv1.StdinMode_value[s.Stdin]),
		Retention: milliseconds(s.RetentionMs),
		Output: &runletv1.OutputPolicy{
			RetainedBytes: s.RetainedBytes,
			Overflow:      runletv1.Overflow(runletv1.Overflow_value[s.Overflow]),
		},
	}
	if s.Terminal != nil {
		made.Terminal = &runletv1.Terminal{Size: s.Terminal.message()}
	}
	if s.Writable != nil {
		made.Sandbox = sandboxWith(s.Writable)
	}
	return &runletv1.StartProcessRequest{
		SessionId:    c.SessionID,
		ProcessId:    c.ProcessID,
		AttachmentId: c.AttachmentID,
		RequestId:    c.RequestID,
		Spec:         made,
	}
}

// sandboxWith is a sandbox in which programs run, and these paths can be changed.
func sandboxWith(writable []string) *runletv1.Sandbox {
	rules := []*runletv1.SandboxRule{{
		Place:  runletv1.SandboxPlace_SANDBOX_PLACE_PLATFORM,
		Access: runletv1.SandboxAccess_SANDBOX_ACCESS_READ,
	}}
	for _, path := range writable {
		rules = append(rules, &runletv1.SandboxRule{
			Path: path, Access: runletv1.SandboxAccess_SANDBOX_ACCESS_WRITE,
		})
	}
	return &runletv1.Sandbox{Rules: rules}
}

func (s size) message() *runletv1.TerminalSize {
	return &runletv1.TerminalSize{Columns: s.Columns, Rows: s.Rows}
}

func (c *call) scope() runletv1.SignalScope {
	return runletv1.SignalScope(runletv1.SignalScope_value[c.Scope])
}

func milliseconds(value *int64) *durationpb.Duration {
	if value == nil {
		return nil
	}
	return durationpb.New(time.Duration(*value) * time.Millisecond)
}
