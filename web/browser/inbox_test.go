package browser

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestInboxJoinsAndCuts(t *testing.T) {
	b := newInbox()
	for _, message := range []string{"PING\r", "", "\nPONG", "\r\n"} {
		if err := b.put([]byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	b.finish(io.EOF)
	got, err := io.ReadAll(io.LimitReader(b, 1000))
	if err != nil || string(got) != "PING\r\nPONG\r\n" {
		t.Errorf("read %q, %v", got, err)
	}
	if err := b.put([]byte("late")); err != nil {
		t.Error(err)
	}
	if n, err := b.Read(make([]byte, 4)); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d, %v", n, err)
	}
}

func TestInboxWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		time.AfterFunc(time.Minute, func() {
			if err := b.put([]byte("came")); err != nil {
				t.Error(err)
			}
		})
		p := make([]byte, 10)
		if n, err := b.Read(p); string(p[:n]) != "came" || err != nil {
			t.Errorf("read %q, %v", p[:n], err)
		}
		time.AfterFunc(time.Minute, func() { b.drop(net.ErrClosed) })
		if n, err := b.Read(p); n != 0 || !errors.Is(err, net.ErrClosed) {
			t.Errorf("closed under a reader: %d, %v", n, err)
		}
	})
}

func TestInboxDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		start := time.Now()
		b.due.set(start.Add(time.Hour))
		time.AfterFunc(time.Minute, func() { b.due.set(start.Add(2 * time.Minute)) }) // also for who waits already
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("past the deadline: %v", err)
		}
		if waited := time.Since(start); waited != 2*time.Minute {
			t.Errorf("waited %v", waited)
		}
		b.due.set(time.Time{})
		time.AfterFunc(time.Hour, func() { b.finish(io.EOF) })
		if _, err := b.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("without a deadline: %v", err)
		}
	})
}

func TestInboxFlood(t *testing.T) {
	b := newInbox()
	message := []byte(strings.Repeat("x", 1<<20))
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = b.put(message)
	}
	if !errors.Is(err, errFlood) || n != maxUnread>>20+1 {
		t.Errorf("after %d MiB unread: %v", n, err)
	}
}
