package runlet

import "io"

// An OutputReader reads what a process wrote to one stream. It is for one goroutine.
type OutputReader struct {
	stream Stream
	next   func() (Event, error, bool)
	stop   func()
	rest   []byte
	err    error
}

// Read reads what there is, waiting for some where there is none. It gives [io.EOF] after the end.
func (r *OutputReader) Read(into []byte) (int, error) {
	for len(r.rest) == 0 && r.err == nil && len(into) > 0 {
		r.advance()
	}
	n := copy(into, r.rest)
	r.rest = r.rest[n:]
	if n > 0 {
		return n, nil
	}
	return 0, r.err
}

// Close ends the reading. Reading gives [io.EOF] then.
func (r *OutputReader) Close() error {
	r.stop()
	r.rest = nil
	if r.err == nil {
		r.err = io.EOF
	}
	return nil
}

func (r *OutputReader) advance() {
	event, err, ok := r.next()
	if !ok {
		r.err = io.EOF
		return
	}
	if err != nil {
		r.err = err
		return
	}
	switch what := event.(type) {
	case Output:
		if what.Stream == r.stream {
			r.rest = what.Data
		}
	case Gap:
		var lost []OutputRange
		for _, part := range what.Ranges {
			if part.Stream == r.stream {
				lost = append(lost, part)
			}
		}
		if lost != nil {
			r.err = &OutputLostError{Ranges: lost}
			r.stop()
		}
	}
}
