package runlet

import (
	"bytes"
	"context"
	"errors"
	"io"
	"time"
)

const (
	// How long the session of Run is kept after this program ended.
	runTTL = 30 * time.Second
	// MaxRunBytes is what a command may write that is run by Run.
	MaxRunBytes = 64 << 20
)

// A Result is what came of a command.
type Result struct {
	Exit
	Stdout, Stderr []byte
	// Terminal is what it showed on its terminal, where it had one.
	Terminal []byte
}

// Run runs a command to its end, over broken connections too. It reads input, which may be nil.
// A code that is not 0 is no error.
//
// The command is terminated when the context ends; when it writes more than MaxRunBytes, which is
// ErrOutputTooLarge; and some 30 seconds after the program has ended.
func (c *Client) Run(ctx context.Context, spec Spec, input io.Reader) (*Result, error) {
	session, err := c.runSession(ctx)
	if err != nil {
		return nil, err
	}
	spec.Stdin = input != nil
	if spec.Overflow == "" {
		spec.Overflow = Pause
	}
	if spec.Retention == 0 {
		spec.Retention = runTTL
	}
	process, err := session.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	reading, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if input != nil {
		go func() {
			if err := feed(process.Stdin(reading), input); err != nil {
				// It would wait for the rest of it.
				stop(err)
			}
		}()
	}
	result, err := process.collect(reading)
	if err != nil {
		// Nobody reads it any more.
		go terminate(process)
		return nil, err
	}
	return result, nil
}

func terminate(process *Process) {
	ctx, cancel := context.WithTimeout(context.Background(), runTTL)
	defer cancel()
	_, _ = process.Terminate(ctx, DefaultGrace)
}

func (c *Client) runSession(ctx context.Context) (*Session, error) {
	c.mutex.Lock()
	known := c.runs
	c.mutex.Unlock()
	if known != nil && known.Lost() == nil {
		return known, nil
	}
	made, err := c.Session(ctx, &SessionOptions{DetachedTTL: runTTL})
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.runs == known {
		c.runs = made
	}
	return c.runs, nil
}

// feed writes input to its end, or as far as the command reads it.
func feed(stdin *StdinWriter, input io.Reader) error {
	_, err := io.CopyBuffer(struct{ io.Writer }{stdin}, input, make([]byte, maxWrite))
	if err == nil {
		err = stdin.Close()
	}
	if errors.Is(err, ErrStdinClosed) {
		return nil
	}
	return err
}

func (p *Process) collect(ctx context.Context) (*Result, error) {
	var streams = map[Stream]*bytes.Buffer{Stdout: {}, Stderr: {}, Terminal: {}}
	result := &Result{}
	left := MaxRunBytes
	for event, err := range p.Events(ctx, 0) {
		if err != nil {
			return nil, err
		}
		switch what := event.(type) {
		case Output:
			if left -= len(what.Data); left < 0 {
				return nil, ErrOutputTooLarge
			}
			if to, ok := streams[what.Stream]; ok {
				to.Write(what.Data)
			}
		case Gap:
			return nil, &OutputLostError{Ranges: what.Ranges}
		case Exited:
			result.Exit = what.Exit
		}
	}
	result.Stdout, result.Stderr = streams[Stdout].Bytes(), streams[Stderr].Bytes()
	result.Terminal = streams[Terminal].Bytes()
	return result, nil
}
