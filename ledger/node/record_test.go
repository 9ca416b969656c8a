package node_test

import (
	"crypto/rand"
	"crypto/sha256"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// epoch makes the start of an epoch with a wrap for each term.
func (w *world) epoch(t testing.TB, number uint32, terms ...ledger.Term) (*ledger.EpochStarted, []protocol.PartData) {
	t.Helper()
	keys, err := epoch.Generate(rand.Reader)
	must(t, err)
	shred, err := epoch.NewShred(rand.Reader)
	must(t, err)
	at := epoch.Place{Patient: string(w.patient.GID()), Compartment: string(ledger.Health), Epoch: number}
	body := &ledger.EpochStarted{Epoch: number, KID: keys.KID(), HID: keys.HID()}
	var parts []protocol.PartData
	add := func(p ledger.Part, data []byte) {
		p.Hash = sha256.Sum256(data)
		body.Parts = append(body.Parts, p)
		parts = append(parts, protocol.PartData{Chain: w.health.String(), Epoch: number, Name: p.Name, Data: data})
	}
	owner, err := epoch.SealOwner(w.patient.Keys(), at, keys)
	must(t, err)
	add(ledger.Part{Name: ledger.PartOwner}, owner)
	sealed, err := epoch.SealShred(rand.Reader, at, keys, shred)
	must(t, err)
	add(ledger.Part{Name: ledger.PartShred}, sealed)
	for _, term := range terms {
		add(w.wrap(t, at, keys, term))
	}
	return body, parts
}

func (w *world) wrap(t testing.TB, at epoch.Place, keys *epoch.Keys, term ledger.Term) (ledger.Part, []byte) {
	t.Helper()
	p, err := policy.Parse(term.Expression)
	must(t, err)
	var x *abe.Expression
	w.Fold().View(func(s *ledger.State) { x, err = s.Expression(p) })
	must(t, err)
	context, err := ledger.WrapContext(w.health, at.Epoch, keys.KID(), term.ID)
	must(t, err)
	key, ciphertext, err := x.Encapsulate(rand.Reader, abe.Wrap, context)
	must(t, err)
	sealed, err := epoch.SealWrap(rand.Reader, key, at, term.ID.String(), keys, false)
	must(t, err)
	data, err := (&ledger.Wrap{Ciphertext: ciphertext, Sealed: sealed}).Marshal()
	must(t, err)
	part := ledger.Part{Name: ledger.WrapName(term.ID), Term: term.ID, Expression: term.Expression, Versions: x.Versions()}
	for _, h := range x.KeyHashes() {
		part.Keys = append(part.Keys, h)
	}
	return part, data
}

// record returns the body of a record that nobody can open: the node can't tell.
func record(number uint32) *ledger.RecordWritten {
	b := &ledger.RecordWritten{Content: ledger.Content{Epoch: number, Media: "note", Bucket: 256, Sealed: make([]byte, epoch.Overhead+256)}}
	rand.Read(b.Content.Leaf[:])
	b.Content.Leaf[0] &= 0x0f
	b.Content.Sealed[0] = 1 // the format
	return b
}
