package pairing_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/pairing"
)

var contents = []byte("what the old device has")

// both is a pairing whose messages go through somebody's hands.
type both struct {
	fresh                        *pairing.New
	old                          *pairing.Old
	first, second, third, fourth []byte
	onNew, onOld                 []string // the words that each device shows
}

// asIs carries a message as it is.
func asIs(b []byte) []byte { return b }

// pair goes through a pairing up to the words, with hands on the first three messages.
func pair(t testing.TB, hand1, hand2, hand3 func([]byte) []byte) (*both, error) {
	t.Helper()
	var b both
	var err error
	if b.fresh, b.first, err = pairing.Begin(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if b.old, b.second, err = pairing.Answer(rand.Reader, hand1(b.first)); err != nil {
		return &b, err
	}
	if b.third, b.onNew, err = b.fresh.Reveal(hand2(b.second)); err != nil {
		return &b, err
	}
	b.onOld, err = b.old.Check(hand3(b.third))
	return &b, err
}

func TestPairing(t *testing.T) {
	b, err := pair(t, asIs, asIs, asIs)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.onNew) != pairing.WordCount || !slices.Equal(b.onNew, b.onOld) {
		t.Fatalf("words: %v on the new device, %v on the old one", b.onNew, b.onOld)
	}
	fourth, err := b.old.Seal(rand.Reader, contents)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(fourth, contents) {
		t.Error("the contents stand in the message")
	}
	got, err := b.fresh.Open(fourth)
	if err != nil || !bytes.Equal(got, contents) {
		t.Errorf("the new device has %q, %v", got, err)
	}
	other, err := pair(t, asIs, asIs, asIs)
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(other.onNew, b.onNew) {
		t.Error("two pairings have the same words")
	}
	if _, err := other.fresh.Open(fourth); !errors.Is(err, pairing.ErrChanged) {
		t.Errorf("contents of another pairing: %v, want ErrChanged", err)
	}
}

// TestManInTheMiddle: somebody who puts a key of theirs between the devices makes two pairings, whose words differ.
func TestManInTheMiddle(t *testing.T) {
	// Towards the old device they are the new one, and towards the new device the old one.
	mine, commitment, err := pairing.Begin(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var reveal, theirs []byte
	var seen []string
	b, err := pair(t,
		func([]byte) []byte { return commitment },
		func(second []byte) []byte {
			if reveal, seen, err = mine.Reveal(second); err != nil {
				t.Fatal(err)
			}
			theirs = second
			return second
		},
		func([]byte) []byte { return reveal },
	)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(seen, b.onOld) {
		t.Error("the one in the middle does not know the old device's words")
	}
	if slices.Equal(b.onNew, b.onOld) {
		t.Error("both devices show the same words, with another in the middle")
	}
	// To have other words on the old device they would have to reveal anew, or to ask for another nonce.
	if _, _, err := mine.Reveal(theirs); err == nil {
		t.Error("a new device reveals twice")
	}
	if _, err := b.old.Check(reveal); err == nil {
		t.Error("an old device takes a second key")
	}
}

// TestRevealsAnotherKey: a key that is chosen after the old device's nonce is known is not the one committed to.
func TestRevealsAnotherKey(t *testing.T) {
	late, _, err := pairing.Begin(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var reveal []byte
	b, err := pair(t, asIs, func(second []byte) []byte {
		if reveal, _, err = late.Reveal(second); err != nil {
			t.Fatal(err)
		}
		return second
	}, func([]byte) []byte { return reveal })
	if !errors.Is(err, pairing.ErrChanged) {
		t.Errorf("another key: %v, want ErrChanged", err)
	}
	if _, err := b.old.Check(b.third); err == nil {
		t.Error("after that the old device takes the right one")
	}
	if _, err := b.old.Seal(rand.Reader, contents); err == nil {
		t.Error("after that the old device seals")
	}
}

// TestChangedMessages: one bit of any message, and the pairing fails, or the words differ, or what was sealed does not open.
func TestChangedMessages(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte {
			b = bytes.Clone(b)
			b[at%len(b)] ^= 1
			return b
		}
	}
	for at := range 40 {
		for i := range 3 {
			hands := []func([]byte) []byte{asIs, asIs, asIs}
			hands[i] = flip(at * 31)
			b, err := pair(t, hands[0], hands[1], hands[2])
			if err == nil && slices.Equal(b.onNew, b.onOld) {
				t.Errorf("byte %d of message %d was changed, and the words are the same", at*31, i+1)
			}
			if err != nil && !errors.Is(err, pairing.ErrChanged) && !errors.Is(err, pairing.ErrMalformed) {
				t.Errorf("byte %d of message %d was changed: %v", at*31, i+1, err)
			}
		}
	}
	b, err := pair(t, asIs, asIs, asIs)
	if err != nil {
		t.Fatal(err)
	}
	fourth, err := b.old.Seal(rand.Reader, contents)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(fourth); at += 7 {
		if got, err := b.fresh.Open(flip(at)(fourth)); err == nil {
			t.Errorf("byte %d of the contents was changed, and %q opens", at, got)
		}
	}
	if _, err := b.fresh.Open(fourth); err != nil {
		t.Errorf("after all that, the right one: %v", err)
	}
}

// TestOrder: a step is made once, in its turn.
func TestOrder(t *testing.T) {
	b, err := pair(t, asIs, asIs, asIs)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.fresh.Reveal(b.second); err == nil {
		t.Error("it reveals twice")
	}
	next, first, err := pairing.Begin(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := next.Open(b.third); err == nil {
		t.Error("it opens before it has revealed")
	}
	old, _, err := pairing.Answer(rand.Reader, first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.Seal(rand.Reader, contents); err == nil {
		t.Error("it seals before there are words")
	}
	if _, err := b.old.Seal(rand.Reader, contents); err != nil {
		t.Fatal(err)
	}
	if _, err := b.old.Seal(rand.Reader, contents); err == nil {
		t.Error("it seals twice")
	}
}

func FuzzMessages(f *testing.F) {
	b, err := pair(f, asIs, asIs, asIs)
	if err != nil {
		f.Fatal(err)
	}
	if b.fourth, err = b.old.Seal(rand.Reader, contents); err != nil {
		f.Fatal(err)
	}
	for _, m := range [][]byte{b.first, b.second, b.third, b.fourth, nil, []byte(strings.Repeat("a", 100))} {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := pairing.Reencode(data)
		if err == nil && !bytes.Equal(again, data) {
			t.Errorf("accepted %x, writes %x", data, again)
		}
	})
}
