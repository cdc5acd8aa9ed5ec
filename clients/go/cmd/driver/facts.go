package main

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

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
	streams map[string]*output
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
	return &reader{inOrder: true, kinds: []string{}, streams: map[string]*output{}}
}

// had returns the seq of the last event that it had.
func (r *reader) had() uint64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.lastSeq
}

// take records events. It tells of each that is no output, and when the bytes of output
// have become as many as asked for.
func (r *reader) take(events []*runletv1.ProcessEvent, c *call) {
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

func (r *reader) record(event *runletv1.ProcessEvent) string {
	gap := event.GetGap()
	// A gap has the number of the last event that it stands for.
	r.inOrder = r.inOrder && (event.Seq == r.lastSeq+1 || gap != nil && event.Seq > r.lastSeq)
	r.lastSeq = event.Seq
	switch what := event.Event.(type) {
	case *runletv1.ProcessEvent_Started:
		return "started"
	case *runletv1.ProcessEvent_Output:
		r.total += uint64(len(what.Output.Data))
		r.stream(what.Output.Stream).append(what.Output)
		return "output"
	case *runletv1.ProcessEvent_Gap:
		for _, lost := range gap.Ranges {
			r.stream(lost.Stream).skip(lost)
		}
		return "gap"
	case *runletv1.ProcessEvent_StdinClosed:
		return "stdin_closed"
	case *runletv1.ProcessEvent_Exited:
		r.exited = endOf(what.Exited.Status, what.Exited.Reason)
		return "exited"
	case *runletv1.ProcessEvent_Closed:
		totals := facts{}
		for _, total := range what.Closed.Totals {
			totals[nameOf(total.Stream)] = total.Bytes
		}
		r.closed = facts{"output_complete": what.Closed.OutputComplete, "totals": totals}
		return "closed"
	}
	return "unknown"
}

func (r *reader) stream(stream runletv1.OutputStream) *output {
	name := nameOf(stream)
	if known, ok := r.streams[name]; ok {
		return known
	}
	made := &output{exact: true, hash: sha256.New()}
	r.streams[name] = made
	return made
}

func (o *output) append(had *runletv1.ProcessOutput) {
	o.exact = o.exact && had.Offset == o.bytes+o.missing
	o.bytes += uint64(len(had.Data))
	o.hash.Write(had.Data)
	if o.bytes <= smallBytes {
		o.small = append(o.small, had.Data...)
	}
}

func (o *output) skip(lost *runletv1.OutputRange) {
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
		streams[name] = known
	}
	return facts{
		"kinds": r.kinds, "last_seq": r.lastSeq, "in_order": r.inOrder,
		"streams": streams, "exited": r.exited, "closed": r.closed,
	}
}

// nameOf says stdout, stderr or terminal.
func nameOf(stream runletv1.OutputStream) string {
	return strings.ToLower(strings.TrimPrefix(stream.String(), "OUTPUT_STREAM_"))
}

func factsOf(process *runletv1.Process) facts {
	known := facts{"process_id": process.GetProcessId(), "pid": process.GetPid()}
	known["state"] = process.GetState().String()
	if process.GetStatus() != nil {
		known["exited"] = endOf(process.Status, process.Reason)
	}
	return known
}

func endOf(how *runletv1.ExitStatus, why runletv1.EndReason) facts {
	known := facts{"reason": why.String()}
	switch status := how.GetStatus().(type) {
	case *runletv1.ExitStatus_Code:
		known["code"] = status.Code
	case *runletv1.ExitStatus_Signal:
		known["signal"] = status.Signal.String()
	}
	return known
}

// failureOf reads grpc-status-details-bin.
func failureOf(err error) facts {
	failed := status.Convert(err)
	known := facts{"code": code.Code(failed.Code()).String()}
	for _, detail := range failed.Details() {
		switch what := detail.(type) {
		case *errdetails.ErrorInfo:
			known["reason"] = what.Reason
			known["domain"] = what.Domain
			known["metadata"] = what.Metadata
		case *runletv1.StartFailure:
			known["stage"] = what.Stage.String()
			known["errno_name"] = what.ErrnoName
		case *errdetails.BadRequest:
			fields := []string{}
			for _, violation := range what.FieldViolations {
				fields = append(fields, violation.Field)
			}
			known["fields"] = fields
		}
	}
	return known
}
