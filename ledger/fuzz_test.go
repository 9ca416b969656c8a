package ledger_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/phrledger/phr/ledger"
)

// corpus adds the vectors that a parser reads or refuses.
func corpus(f *testing.F, what string, add func(string)) {
	v := readVectors(f)
	for _, b := range v.Bad {
		if b.Parse == what {
			add(b.In)
		}
	}
	switch what {
	case "event":
		for _, e := range v.Events {
			add(e.Event)
		}
	case "entry":
		for _, e := range v.Entries {
			add(e.Entry)
		}
	}
}

func fromHex(f *testing.F) func(string) {
	return func(s string) { f.Add(must(hex.DecodeString(s))) }
}

func FuzzParseEvent(f *testing.F) {
	corpus(f, "event", fromHex(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ledger.ParseEvent(data)
		if err != nil {
			return
		}
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("parsed %x, marshalled %x: %v", data, again, err)
		}
		if c, err := ledger.ParseChain(e.Chain.String()); err != nil || c != e.Chain {
			t.Fatalf("chain %v: %v, %v", e.Chain, c, err)
		}
		if term := e.Acting(); !term.IsZero() {
			if err := e.Act(term); err != nil || e.Acting() != term {
				t.Fatalf("acting by %s, and then by %s: %v", term, e.Acting(), err)
			}
		}
		// Whatever it says, an empty State refuses it, keeps it apart or takes it, and does not panic.
		entry := must(ledger.NewEntry(data, firstDay, ledger.Position{}))
		_ = ledger.NewState(someone, ledger.WholeLog).Fold(entry)
		_ = ledger.NewState(someone, ledger.SomeChains).Fold(entry)
	})
}

// FuzzFold signs what the fuzzer makes of bodies, so that it comes to the rules.
func FuzzFold(f *testing.F) {
	for i, e := range vectorEvents() {
		f.Add(byte(i), must(e.event.Marshal()))
	}
	f.Fuzz(func(t *testing.T, who byte, data []byte) {
		e, err := ledger.ParseEvent(data)
		if err != nil {
			return
		}
		w := newWorld(t)
		speakers := []said{
			{author: w.patient, chain: w.health},
			{author: w.patient, chain: w.profile},
			{author: w.node, chain: w.access},
			{author: w.patient, chain: ownChain(w.patient)},
			{author: w.hospital, chain: ledger.AuthorityChain("city-hospital")},
			{author: w.registry, chain: ledger.AuthorityChain("phr")},
			{author: w.root, chain: ledger.NodeChain(w.node.GID())},
			{author: w.node, chain: ledger.NodeChain(w.node.GID())},
			{author: w.patient, chain: ledger.RecordChain(w.patient.GID(), "emergency")},
		}
		s := speakers[int(who)%len(speakers)]
		s.body = e.Body
		before := w.state.Copy()
		if err := w.try(s.event(w)); err != nil && !w.state.Equal(before) {
			t.Fatalf("refused with %v, and changed the State", err)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	corpus(f, "entry", fromHex(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ledger.ParseEntry(data)
		if err != nil {
			return
		}
		if again, err := e.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("parsed %x, marshalled %x: %v", data, again, err)
		}
	})
}

func FuzzParseWrap(f *testing.F) {
	corpus(f, "wrap", fromHex(f))
	f.Add(must((&ledger.Wrap{Ciphertext: []byte{1}, Sealed: []byte{2}}).Marshal()))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := ledger.ParseWrap(data)
		if err != nil {
			return
		}
		if again, err := w.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("parsed %x, marshalled %x: %v", data, again, err)
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	corpus(f, "release", fromHex(f))
	f.Add(must((&ledger.Release{Nodes: []ledger.Released{{Node: someone, Sealed: []byte{1}}}}).Marshal()))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ledger.ParseRelease(data)
		if err != nil {
			return
		}
		if again, err := r.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("parsed %x, marshalled %x: %v", data, again, err)
		}
	})
}

func FuzzParseChain(f *testing.F) {
	corpus(f, "chain", func(s string) { f.Add(s) })
	for _, c := range []ledger.Chain{
		ledger.RecordChain(someone, ledger.Health), ledger.PersonChain(someone), ledger.NodeChain(someone), ledger.AuthorityChain("city-hospital"),
	} {
		f.Add(c.String())
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ledger.ParseChain(s)
		if err != nil {
			return
		}
		if c.String() != s || bytes.ContainsAny([]byte(s), " *>\r\n\x00") {
			t.Fatalf("%q is read as %q", s, c)
		}
	})
}

func FuzzParseID(f *testing.F) {
	corpus(f, "id", func(s string) { f.Add(s) })
	f.Add("01arz3ndektsv4rrffq69g5fav")
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ledger.ParseEventID(s)
		if err == nil && id.String() != s {
			t.Fatalf("%q is read as %q", s, id)
		}
	})
}
