package embedded_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// makeBlock returns the file of a LEDGER with a few messages, and what they are, by their sequences.
func makeBlock(t testing.TB) (block []byte, want map[uint64]string) {
	t.Helper()
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var batch []stream.Message
	for i := range 4 {
		batch = append(batch, stream.Message{Subject: fmt.Sprint("id.aa.b.", i), Data: bytes.Repeat([]byte{byte(i)}, 10*i), ID: fmt.Sprint("m", i)})
	}
	for _, messages := range [][]stream.Message{batch[:1], batch[1:]} { // one alone, and an atomic batch
		if _, err := s.Ledger().Append(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	in, err := embedded.StreamDir(dir, stream.LedgerName)
	if err != nil {
		t.Fatal(err)
	}
	if block, err = os.ReadFile(filepath.Join(in, "msgs", "1.blk")); err != nil {
		t.Fatal(err)
	}
	want = make(map[uint64]string)
	for i, m := range batch {
		want[uint64(i)+1] = m.Subject + " " + m.ID + " " + string(m.Data)
	}
	return block, want
}

// open reads a block of a LEDGER.
func open(t testing.TB, dir string, block []byte) (got map[uint64]string, b *embedded.Blocks) {
	t.Helper()
	msgs := filepath.Join(dir, stream.LedgerName, "msgs")
	if err := os.MkdirAll(msgs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(msgs, "1.blk"), block, 0o600); err != nil {
		t.Fatal(err)
	}
	got = make(map[uint64]string)
	b, err := embedded.OpenBlocks(filepath.Dir(msgs), func(e stream.Entry) error {
		got[e.Seq] = e.Subject + " " + e.ID + " " + string(e.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got, b
}

// What the files hold is what was appended. Whichever bit of it flips, no message is another: at most one is missing, and where it was is told.
func TestBlocks(t *testing.T) {
	block, want := makeBlock(t)
	dir := t.TempDir()
	got, b := open(t, dir, block)
	if fmt.Sprint(got) != fmt.Sprint(want) || len(b.Faults) > 0 || b.Last() != 4 {
		t.Fatalf("got %v up to %d, want %v, faults %v", got, b.Last(), want, b.Faults)
	}
	if e, ok := b.Entry(3); !ok || e.ID != "m2" {
		t.Errorf("message 3 is %v, %t", e, ok)
	}
	if _, ok := b.Entry(5); ok {
		t.Error("there is a message 5")
	}
	for bit := 0; bit < len(block)*8; bit += 7 {
		rotten := bytes.Clone(block)
		rotten[bit/8] ^= 1 << (bit % 8)
		got, b := open(t, dir, rotten)
		for seq, m := range got {
			if m != want[seq] {
				t.Fatalf("bit %d: message %d is %q", bit, seq, m)
			}
		}
		if len(got) < 3 || len(got) < 4 && len(b.Faults) != 1 {
			t.Errorf("bit %d: %d messages, faults %v", bit, len(got), b.Faults)
		}
	}
	for size := range block {
		got, b := open(t, dir, block[:size])
		whole := len(b.Faults) == 0
		if whole != (size == 0 || len(got) > 0 && whole) || !whole && !b.Faults[0].Tail {
			t.Errorf("cut to %d bytes: %d messages, faults %v", size, len(got), b.Faults)
		}
	}
}

// A part that was erased is not among what the files of KEYS hold.
func TestErasedIsNotRead(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if err := s.Ledger().PutParts(t.Context(), stream.Part{Subject: fmt.Sprint("key.", i), Data: []byte{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Ledger().DeletePart(t.Context(), "key.1"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	in, err := embedded.StreamDir(dir, stream.KeysName)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	b, err := embedded.OpenBlocks(in, func(e stream.Entry) error {
		got = append(got, e.Subject)
		return nil
	})
	if err != nil || fmt.Sprint(got) != "[key.0 key.2]" || len(b.Faults) > 0 {
		t.Errorf("read %v, %v, %v", got, b.Faults, err)
	}
}

// Whatever a file holds, it is read without harm.
func FuzzBlocks(f *testing.F) {
	block, _ := makeBlock(f)
	f.Add(block)
	f.Add(block[:len(block)/2])
	f.Add(append(bytes.Repeat([]byte{0xff}, 30), block...))
	f.Fuzz(func(t *testing.T, block []byte) {
		got, b := open(t, t.TempDir(), block)
		if len(got) == 0 && len(block) > 0 && len(b.Faults) == 0 {
			erased := b.Last() == 0
			if !erased {
				t.Error("there is nothing, and nothing is wrong")
			}
		}
	})
}
