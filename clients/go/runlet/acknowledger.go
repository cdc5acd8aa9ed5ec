package runlet

import (
	"sync"
	"time"
)

const (
	// Bytes of events after which it is said that they have come: few beside what a server waits for.
	acknowledgedBytes = 1 << 20
	// How long after an event came it is said at the latest.
	acknowledgedAfter = 250 * time.Millisecond
)

// An acknowledger says of events that they have come, many at a time, one call at a time. A nil
// one says nothing.
type acknowledger struct {
	send func(seq uint64)

	mutex         sync.Mutex
	bytes         int
	seq, said     uint64
	timer         *time.Timer
	sending, over bool
}

// had is told that an event has come, and all before it, so many bytes since the last time.
func (a *acknowledger) had(seq uint64, bytes int) {
	if a == nil {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.seq = seq
	a.bytes += bytes
	a.saySoon()
}

// stop ends it.
func (a *acknowledger) stop() {
	if a == nil {
		return
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.over = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

func (a *acknowledger) saySoon() {
	// What comes meanwhile is said together, when the answer has come.
	if a.sending || a.over || a.seq == a.said {
		return
	}
	if a.bytes >= acknowledgedBytes {
		a.say()
	} else if a.timer == nil {
		a.timer = time.AfterFunc(acknowledgedAfter, func() {
			a.mutex.Lock()
			defer a.mutex.Unlock()
			if !a.sending && !a.over {
				a.say()
			}
		})
	}
}

func (a *acknowledger) say() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	a.sending = true
	a.bytes = 0
	a.said = a.seq
	go func(seq uint64) {
		a.send(seq)
		a.mutex.Lock()
		defer a.mutex.Unlock()
		a.sending = false
		a.saySoon()
	}(a.seq)
}
