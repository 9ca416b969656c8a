package browser

import (
	"errors"
	"os"
	"sync"
	"time"
)

// maxUnread bounds what has come and nobody has read. A browser can't be told to wait, so that a peer who sends more is cut off.
const maxUnread = 64 << 20

var errFlood = errors.New("the other side sends faster than it is read")

// inbox is what has come over a socket, in order. It is safe for concurrent use.
type inbox struct {
	mu     sync.Mutex
	unread [][]byte
	size   int
	end    error         // what Read returns once all is read
	moved  chan struct{} // closed, and made anew, when any of this changes
	due    deadline
}

func newInbox() *inbox { return &inbox{moved: make(chan struct{})} }

// stir wakes who waits. The lock is held.
func (b *inbox) stir() {
	close(b.moved)
	b.moved = make(chan struct{})
}

// put adds a message, and fails if too much is unread.
func (b *inbox) put(message []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end != nil || len(message) == 0 {
		return nil
	}
	if b.size += len(message); b.size > maxUnread {
		return errFlood
	}
	b.unread = append(b.unread, message)
	b.stir()
	return nil
}

// finish says that nothing comes any more, and why.
func (b *inbox) finish(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.end == nil {
		b.end = why
		b.stir()
	}
}

// drop forgets what is unread: the reader has closed.
func (b *inbox) drop(why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unread, b.size, b.end = nil, 0, why
	b.stir()
}

// Read returns what has come, or waits for it until the deadline.
func (b *inbox) Read(p []byte) (int, error) {
	for {
		n, wait, err := b.take(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		if err := b.due.wait(wait); err != nil {
			return 0, err
		}
	}
}

func (b *inbox) take(p []byte) (n int, wait <-chan struct{}, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n < len(p) && len(b.unread) > 0 {
		k := copy(p[n:], b.unread[0])
		n, b.size = n+k, b.size-k
		if b.unread[0] = b.unread[0][k:]; len(b.unread[0]) == 0 {
			b.unread = b.unread[1:]
		}
	}
	if n == 0 {
		err = b.end
	}
	return n, b.moved, err
}

// deadline is when waiting ends. The zero value never does.
type deadline struct {
	mu      sync.Mutex
	at      time.Time
	changed chan struct{}
}

func (d *deadline) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}

func (d *deadline) get() (at time.Time, changed <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.changed == nil {
		d.changed = make(chan struct{})
	}
	return d.at, d.changed
}

// wait waits until something is closed. It fails with os.ErrDeadlineExceeded if the deadline passes first.
func (d *deadline) wait(until <-chan struct{}) error {
	for {
		at, changed := d.get()
		var past <-chan time.Time
		if !at.IsZero() {
			t := time.NewTimer(time.Until(at))
			defer t.Stop()
			past = t.C
		}
		select {
		case <-until:
			return nil
		case <-past:
			return os.ErrDeadlineExceeded
		case <-changed:
		}
	}
}
