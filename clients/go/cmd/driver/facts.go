package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"

	"github.com/runlet/runlet/clients/go/runlet"
	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// Output up to this size is reported itself, beside its hash.
const smallBytes = 4096

// A reader has had some of the events of a process, from one stream or several.
type reader struct {
	mutex   sync.Mutex
	lastSeq uint64
	inOrder bool
	total   uint64
	kinds   []string
	streams map[runlet.Stream]*output
	exited  facts
	closed  facts
}

// What was had of one stream of output.
type output struct {
	bytes, missing uint64
	exact          bool
	hash           hash.Hash
	small          []byte
}

func newReader() *reader {
	return &reader{inOrder: true, kinds: []string{}, streams: map[runlet.Stream]*output{}}
}

// had returns the seq of the last event that it had.
func (r *reader) had() uint64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.lastSeq
}

// take records events. It tells of each that is no output, and when the bytes of output
// have become as many as asked for.
func (r *reader) take(events []runlet.Event, c *call) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	before := r.total
	for _, event := range events {
		kind := r.record(event)
		if len(r.kinds) == 0 || r.kinds[len(r.kinds)-1] != kind {
			r.kinds = append(r.kinds, kind)
		}
		if kind != "output" {
			c.note(facts{"kind": kind})
		}
	}
	if before < c.NotifyBytes && c.NotifyBytes <= r.total {
		c.note(facts{"bytes": r.total})
	}
}

func (r *reader) record(event runlet.Event) string {
	_, gap := event.(runlet.Gap)
	// A gap has the number of the last event that it stands for.
	seq := event.Number()
	r.inOrder = r.inOrder && (seq == r.lastSeq+1 || gap && seq > r.lastSeq)
	r.lastSeq = seq
	switch what := event.(type) {
	case runlet.Started:
		return "started"
	case runlet.Output:
		r.total += uint64(len(what.Data))
		r.stream(what.Stream).append(what)
		return "output"
	case runlet.Gap:
		for _, lost := range what.Ranges {
			r.stream(lost.Stream).skip(lost)
		}
		return "gap"
	case runlet.StdinClosed:
		return "stdin_closed"
	case runlet.Exited:
		r.exited = endOf(what.Exit)
		return "exited"
	case runlet.Closed:
		r.closed = facts{"output_complete": what.OutputComplete, "totals": what.Totals}
		return "closed"
	}
	return "unknown"
}

func (r *reader) stream(name runlet.Stream) *output {
	if known, ok := r.streams[name]; ok {
		return known
	}
	made := &output{exact: true, hash: sha256.New()}
	r.streams[name] = made
	return made
}

func (o *output) append(had runlet.Output) {
	o.exact = o.exact && had.Offset == o.bytes+o.missing
	o.bytes += uint64(len(had.Data))
	o.hash.Write(had.Data)
	if o.bytes <= smallBytes {
		o.small = append(o.small, had.Data...)
	}
}

func (o *output) skip(lost runlet.OutputRange) {
	o.exact = o.exact && lost.Offset == o.bytes+o.missing
	o.missing += lost.Length
}

func (r *reader) facts() facts {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	streams := facts{}
	for name, o := range r.streams {
		known := facts{"bytes": o.bytes, "missing": o.missing, "exact": o.exact}
		known["sha256"] = hex.EncodeToString(o.hash.Sum(nil))
		if o.bytes <= smallBytes {
			known["data"] = append([]byte{}, o.small...)
		}
		streams[string(name)] = known
	}
	return facts{
		"kinds": r.kinds, "last_seq": r.lastSeq, "in_order": r.inOrder,
		"streams": streams, "exited": r.exited, "closed": r.closed,
	}
}

func factsOf(process *runletv1.Process) facts {
	known := facts{"process_id": process.GetProcessId(), "pid": process.GetPid()}
	known["state"] = process.GetState().String()
	if process.GetStatus() != nil {
		known["exited"] = endOf(runlet.ExitOf(process.GetStatus(), process.GetReason()))
	}
	return known
}

func endOf(end runlet.Exit) facts {
	known := facts{"reason": "END_REASON_" + strings.ToUpper(strings.ReplaceAll(end.Reason, "-", "_"))}
	if end.Signal == 0 {
		known["code"] = end.Code
	} else {
		known["signal"] = end.Signal.String()
	}
	return known
}

// failureOf tells of an error of a stub, or of the package.
func failureOf(err error) facts {
	var lost *runlet.SessionLostError
	if errors.As(err, &lost) {
		return facts{"code": "LOST", "reason": lost.Reason}
	}
	var remote *runlet.RemoteError
	if !errors.As(err, &remote) {
		if remote = runlet.FromRPC(err); remote == nil {
			return facts{"code": "FAILED", "reason": err.Error()}
		}
	}
	known := facts{"code": code.Code(remote.Code).String()}
	if remote.Reason != "" {
		known["reason"] = remote.Reason
		known["domain"] = remote.Domain
		known["metadata"] = remote.Metadata
	}
	if remote.Fields != nil {
		known["fields"] = remote.Fields
	}
	if remote.Stage != "" {
		known["stage"] = "START_STAGE_" + remote.Stage
		known["errno_name"] = remote.Errno
	}
	if remote.File != nil {
		known["operation"] = remote.File.GetOperation()
		known["errno_name"] = remote.File.GetErrnoName()
	}
	if remote.HTTP != nil {
		known["stage"] = remote.HTTP.GetStage().String()
		known["errno_name"] = remote.HTTP.GetCode()
	}
	if remote.Tunnel != nil {
		known["stage"] = remote.Tunnel.GetStage().String()
		known["errno_name"] = remote.Tunnel.GetErrnoName()
	}
	return known
}
