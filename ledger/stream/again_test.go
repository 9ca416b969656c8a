package stream_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/phrledger/phr/ledger/stream"
)

// The server remembers ids for two minutes. A batch is still recognised after that, by the head of its chain.
func TestAppendAgainMuchLater(t *testing.T) {
	b := fight(t)
	l := b.Ledger()
	msgs := run(aliceTraining, 0, 4, 0)
	want := appendAll(t, l, msgs...)
	forgetIDs(t, b, msgs[0])
	if got := appendAll(t, l, msgs...); got != want {
		t.Errorf("appended again, it ends at %d, want %d", got, want)
	}
	other := run(aliceTraining, 0, 4, 0)
	other[1].Data = []byte("x")
	if _, err := l.Append(t.Context(), other); !errors.Is(err, stream.ErrDuplicate) {
		t.Errorf("with other bytes: %v", err)
	}
	appendAll(t, l, message(aliceTraining, 4, want))
	forgetIDs(t, b, message(aliceTraining, 4, want))
	if _, err := l.Append(t.Context(), msgs); !errors.Is(err, stream.ErrConflict) {
		t.Errorf("when the chain has moved on: %v", err)
	}
	if n := len(readAll(t, l)); n != 6+5 {
		t.Errorf("%d entries, want 11", n)
	}
}

// forgetIDs shortens the server's memory, and waits until it does not know the id of m.
func forgetIDs(t *testing.T, b *battlefield, m stream.Message) {
	t.Helper()
	c := owner(t, b)
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err := js.Stream(t.Context(), stream.LedgerName)
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.Duplicates = 100 * time.Millisecond
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	for known := true; known; {
		probe := nats.NewMsg(m.Subject)
		probe.Header.Set(nats.MsgIdHdr, m.ID)
		probe.Header.Set(nats.ExpectedLastMsgIdHdr, "never")
		answer, err := c.RequestMsg(probe, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		known = strings.Contains(string(answer.Data), `"duplicate"`)
	}
}
