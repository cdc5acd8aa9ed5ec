package runlet

import (
	"fmt"
	"strings"
	"time"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// A Stream is one that a process writes to.
type Stream string

// The streams of a process. One with a terminal has that alone.
const (
	Stdout   Stream = "stdout"
	Stderr   Stream = "stderr"
	Terminal Stream = "terminal"
)

// An Exit says how a process ended.
type Exit struct {
	// Code is its exit code, -1 where a signal ended it.
	Code int
	// Signal is what ended it, zero where it exited.
	Signal Signal
	// Reason is why it ended: exited, signaled, timed-out, terminated, session-expired, ...
	Reason string
}

func (e Exit) String() string {
	how := fmt.Sprintf("exit code %d", e.Code)
	if e.Signal != 0 {
		how = strings.Replace(e.Signal.String(), "SIGNAL_", "SIG", 1)
	}
	if e.Reason == "exited" || e.Reason == "signaled" {
		return how
	}
	return fmt.Sprintf("%s (%s)", how, e.Reason)
}

// An Event is something that happened to a process: Started, Output, Gap, StdinClosed, Exited or
// Closed.
type Event interface {
	// Number is the event's place: reading goes on after it, from any client.
	Number() uint64
	// When is when the server saw it.
	When() time.Time
}

// An At has what every event has.
type At struct {
	Seq  uint64
	Time time.Time
}

// Number is the event's place in its process, from 1.
func (a At) Number() uint64 { return a.Seq }

// When is when the server saw it.
func (a At) When() time.Time { return a.Time }

type (
	// Started says that the process was started. It is always the first.
	Started struct {
		At
		Pid int64
	}
	// Output says that it wrote Data, which begin at Offset in their stream.
	Output struct {
		At
		Stream Stream
		Offset uint64
		Data   []byte
	}
	// Gap says that it wrote output that is no longer retained.
	Gap struct {
		At
		Ranges []OutputRange
	}
	// StdinClosed says that its standard input was closed.
	StdinClosed struct{ At }
	// Exited says that the process itself ended. Its output may go on.
	Exited struct {
		At
		Exit Exit
	}
	// Closed says that it exited and its output ended. It is always the last.
	Closed struct {
		At
		// Totals has how many bytes were read from each stream.
		Totals map[Stream]uint64
		// OutputComplete says whether every stream was read to its end.
		OutputComplete bool
	}
)

// An OutputRange is consecutive bytes of one stream.
type OutputRange struct {
	Stream         Stream
	Offset, Length uint64
}

// EventOf reads a message; nil: a kind that is not known here.
func EventOf(message *runletv1.ProcessEvent) Event {
	at := At{Seq: message.GetSeq(), Time: message.GetTime().AsTime()}
	switch what := message.GetEvent().(type) {
	case *runletv1.ProcessEvent_Started:
		return Started{at, what.Started.GetPid()}
	case *runletv1.ProcessEvent_Output:
		output := what.Output
		return Output{at, streamOf(output.GetStream()), output.GetOffset(), output.GetData()}
	case *runletv1.ProcessEvent_Gap:
		ranges := make([]OutputRange, len(what.Gap.GetRanges()))
		for i, r := range what.Gap.GetRanges() {
			ranges[i] = OutputRange{streamOf(r.GetStream()), r.GetOffset(), r.GetLength()}
		}
		return Gap{at, ranges}
	case *runletv1.ProcessEvent_StdinClosed:
		return StdinClosed{at}
	case *runletv1.ProcessEvent_Exited:
		return Exited{at, ExitOf(what.Exited.GetStatus(), what.Exited.GetReason())}
	case *runletv1.ProcessEvent_Closed:
		totals := map[Stream]uint64{}
		for _, total := range what.Closed.GetTotals() {
			totals[streamOf(total.GetStream())] = total.GetBytes()
		}
		return Closed{at, totals, what.Closed.GetOutputComplete()}
	}
	return nil
}

// ExitOf reads how a process ended.
func ExitOf(status *runletv1.ExitStatus, reason runletv1.EndReason) Exit {
	why := strings.ToLower(strings.TrimPrefix(reason.String(), "END_REASON_"))
	end := Exit{Code: int(status.GetCode()), Signal: status.GetSignal(), Reason: strings.ReplaceAll(why, "_", "-")}
	if end.Signal != 0 {
		end.Code = -1
	}
	return end
}

func streamOf(stream runletv1.OutputStream) Stream {
	return Stream(strings.ToLower(strings.TrimPrefix(stream.String(), "OUTPUT_STREAM_")))
}

// A ProcessInfo says what a process is at a moment.
type ProcessInfo struct {
	ID  string
	Pid int64
	// State is running, exited (output may follow) or closed.
	State  string
	Argv   []string
	Labels map[string]string
	// Exit is nil while it runs.
	Exit *Exit
}

func infoOf(process *runletv1.Process) ProcessInfo {
	info := ProcessInfo{
		ID:     process.GetProcessId(),
		Pid:    process.GetPid(),
		State:  strings.ToLower(strings.TrimPrefix(process.GetState().String(), "PROCESS_STATE_")),
		Argv:   process.GetArgv(),
		Labels: process.GetLabels(),
	}
	if process.GetStatus() != nil {
		end := ExitOf(process.GetStatus(), process.GetReason())
		info.Exit = &end
	}
	return info
}
