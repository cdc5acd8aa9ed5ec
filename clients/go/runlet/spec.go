package runlet

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	runletv1 "github.com/runlet/runlet/clients/go/runlet/v1"
)

// Inherit says what a process inherits of the server's environment.
type Inherit string

// What a process inherits. The default is nothing.
const (
	InheritNone Inherit = ""
	InheritCore Inherit = "core"
	InheritAll  Inherit = "all"
)

// Overflow says what becomes of output beyond what is retained.
type Overflow string

// What becomes of more output. The default is to drop the oldest, and to pause for Run.
const (
	DropOldest Overflow = "drop-oldest"
	// Pause makes the process wait for its readers.
	Pause Overflow = "pause"
)

// A Size is that of a terminal, in characters.
type Size struct{ Columns, Rows uint32 }

// A Spec says what to run, and how. Only Argv has to be there.
type Spec struct {
	// Argv is the program and its arguments.
	Argv []string
	// Arg0 is what the program sees as its own name.
	Arg0 string
	// Cwd is the working directory, an absolute path. Default: the server's.
	Cwd string
	// Inherit is what it inherits of the server's environment.
	Inherit Inherit
	// Env has variables to set, over what is inherited.
	Env map[string]string
	// Stdin gives it a standard input to write to.
	Stdin bool
	// Terminal gives it a terminal, and a standard input.
	Terminal *Size
	// MergeStderr sends its standard error where its standard output goes.
	MergeStderr bool
	// Timeout is how long it may run. Default: as long as it likes.
	Timeout time.Duration
	// DrainTimeout is how long after its exit output of its descendants is read. Default: to
	// its end; negative: not at all.
	DrainTimeout time.Duration
	// Retention is how long it can be read after its end. Default: as long as a break may
	// last; negative: not at all.
	Retention time.Duration
	// RetainedBytes is how much of its output is kept. Default: the server's.
	RetainedBytes uint64
	// Overflow says what becomes of more.
	Overflow Overflow
	// Limits is what it may use.
	Limits *runletv1.ResourceLimits
	Labels map[string]string
	// ProcessID is its id in its session. Default: the server makes one.
	ProcessID string
}

func (s Spec) message(retention time.Duration) (*runletv1.ProcessSpec, error) {
	if s.Retention != 0 {
		retention = s.Retention
	}
	spec := &runletv1.ProcessSpec{
		Argv: s.Argv, Arg0: s.Arg0, Cwd: s.Cwd, Env: s.Env,
		Stdin:       runletv1.StdinMode_STDIN_MODE_CLOSED,
		MergeStderr: s.MergeStderr,
		Timeout:     durationOf(s.Timeout), DrainTimeout: durationOf(s.DrainTimeout),
		Retention: durationOf(retention),
		Output:    &runletv1.OutputPolicy{RetainedBytes: s.RetainedBytes},
		Limits:    s.Limits, Labels: s.Labels,
	}
	if s.Stdin {
		spec.Stdin = runletv1.StdinMode_STDIN_MODE_PIPE
	}
	if s.Terminal != nil {
		spec.Terminal = &runletv1.Terminal{Size: s.Terminal.message()}
	}
	switch s.Inherit {
	case InheritNone:
	case InheritCore:
		spec.EnvPolicy = &runletv1.EnvPolicy{Inherit: runletv1.Inherit_INHERIT_CORE}
	case InheritAll:
		spec.EnvPolicy = &runletv1.EnvPolicy{Inherit: runletv1.Inherit_INHERIT_ALL}
	default:
		return nil, fmt.Errorf("there is no such Inherit: %q", s.Inherit)
	}
	switch s.Overflow {
	case "", DropOldest:
		spec.Output.Overflow = runletv1.Overflow_OVERFLOW_DROP_OLDEST
	case Pause:
		spec.Output.Overflow = runletv1.Overflow_OVERFLOW_PAUSE
	default:
		return nil, fmt.Errorf("there is no such Overflow: %q", s.Overflow)
	}
	return spec, nil
}

func (s Size) message() *runletv1.TerminalSize {
	return &runletv1.TerminalSize{Columns: s.Columns, Rows: s.Rows}
}

// durationOf makes a message: none of zero, and zero of what is negative.
func durationOf(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(max(0, d))
}
