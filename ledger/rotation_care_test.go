package ledger_test

import (
	"crypto/sha256"
	"slices"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
)

// passBy has somebody who may write look after a room.
func (m *model) passBy(r *room) { m.tend(m.author(r)) }

// tend has somebody do what their client does in passing, one thing after the other.
func (m *model) tend(v *visitor) {
	for range 50 {
		what, body := m.next(v)
		if body == nil {
			return
		}
		if _, err := m.speak(v.r, v.who, ledger.EventID{}, body); err != nil {
			m.fail("%s of %s %s: %v", called(v.who), v.r.name, what, err)
		}
		m.tell("%s, passing by %s, %s", called(v.who), v.r.name, what)
		v = m.view(v.r, v.who)
	}
	m.fail("there is no end to what is to be done")
}

// next is what somebody has to say of the epochs, if anything.
func (m *model) next(v *visitor) (string, ledger.Body) {
	current := v.f.Epoch.Number
	for n := uint32(1); n <= current; n++ {
		e, _ := v.f.At(n)
		k := v.keys(n)
		if v.who == nil && n == current {
			if broken := v.broken(k, n); broken != "" && !e.Disputed {
				return "disputes " + broken, &ledger.EpochDisputed{Epoch: n, Part: broken}
			} else if broken != "" {
				d := m.draw(v, m.state.Wrapped(v.r.chain, m.now))
				m.put(d.parts)
				return "starts another epoch", d.body
			}
		}
		if k == nil || n > 1 && !k.HasHistory() {
			continue
		}
		_, linked := e.Part(ledger.PartLink)
		good := !linked || v.link(n) != nil
		if linked && !good && !e.LinkDisputed {
			return "disputes the link", &ledger.EpochDisputed{Epoch: n, Part: ledger.PartLink}
		}
		if n > 1 && (!linked || e.LinkDisputed) {
			if before := v.keys(n - 1); before != nil && before.HasHistory() {
				return "makes a link", m.relink(v, n, k, before)
			}
		}
		if v.who == nil && good && v.shred(n) != nil && (linked && !e.Linked || !e.Confirmed && !e.Disputed) {
			return "confirms", &ledger.EpochConfirmed{Epoch: n}
		}
	}
	return "", nil
}

// broken names the part that keeps the patient out of an epoch.
func (v *visitor) broken(k *epoch.Keys, n uint32) string {
	switch {
	case k == nil:
		return ledger.PartOwner
	case v.shred(n) == nil:
		return ledger.PartShred
	}
	return ""
}

func (m *model) relink(v *visitor, n uint32, k, before *epoch.Keys) ledger.Body {
	link := must(epoch.SealLink(m.rand, v.r.place(n), k, before))
	p := ledger.Part{Name: ledger.PartLink, Hash: sha256.Sum256(link)}
	m.put(map[string][]byte{ledger.PartSubject(v.r.chain, n, p.Name, p.Hash): link})
	return &ledger.EpochRewrapped{Epoch: n, Parts: []ledger.Part{p}}
}

// forge has a writer start an epoch of which one part is garbage, others write in it as far as they can, and those who find out
// mend it.
func (m *model) forge(r *room) {
	history := slices.DeleteFunc(m.writers(r), func(s *member) bool { return !m.entitled(r, s, ledger.OpWrite)[0].History })
	if len(history) == 0 {
		m.t.Skip("nobody who could mend it")
	}
	who := rapid.SampledFrom(history).Draw(m.t, "forger")
	honest := rapid.SampledFrom(history).Draw(m.t, "honest")
	v := m.view(r, who)
	if n := v.pending(); n > 0 && rapid.Bool().Draw(m.t, "add a link") {
		m.forgeLink(v, n)
		return
	}
	d := m.draw(v, m.state.Wrapped(r.chain, m.now))
	b := d.body.(*ledger.EpochStarted)
	i := rapid.IntRange(0, len(b.Parts)-1).Draw(m.t, "part")
	p := &b.Parts[i]
	garbage := []byte("garbage")
	if p.Hash = sha256.Sum256(garbage); rapid.Bool().Draw(m.t, "other keys") && p.Name == ledger.PartLink {
		other := must(epoch.Generate(m.rand))
		garbage = must(epoch.SealLink(m.rand, r.place(b.Epoch), other, other))
		p.Hash = sha256.Sum256(garbage)
	}
	d.parts[ledger.PartSubject(r.chain, b.Epoch, p.Name, p.Hash)] = garbage
	d.by, d.what = who, d.what+" with garbage for "+p.Name
	if !m.commit(r, d) {
		return
	}
	if before := len(r.drafts); p.Name == ledger.PartOwner || p.Name == ledger.PartLink {
		m.write(r, m.view(r, honest))
		if len(r.drafts) > before {
			last := r.drafts[before]
			r.drafts = r.drafts[:before]
			m.commit(r, last)
		}
	}
	m.tend(m.view(r, nil))
	m.tend(m.view(r, honest))
	if !p.Term.IsZero() { // the patient can't see it, and is told by a reader
		d := m.draw(m.view(r, nil), m.state.Wrapped(r.chain, m.now))
		m.put(d.parts)
		m.patientSays(r, "starts another epoch, having been told", d.body)
	}
	m.tend(m.view(r, nil))
}

// pending is the newest epoch without a link; 0 if none is.
func (v *visitor) pending() uint32 {
	for n := v.f.Epoch.Number; n > 1; n-- {
		e, _ := v.f.At(n)
		if _, linked := e.Part(ledger.PartLink); !linked {
			return n
		}
	}
	return 0
}

// forgeLink has a writer add a link of garbage where one is pending. The node erases what it may before anybody finds out.
func (m *model) forgeLink(v *visitor, n uint32) {
	garbage := []byte("garbage")
	p := ledger.Part{Name: ledger.PartLink, Hash: sha256.Sum256(garbage)}
	d := &drafted{
		what: "a link of garbage", by: v.who, body: &ledger.EpochRewrapped{Epoch: n, Parts: []ledger.Part{p}},
		parts: map[string][]byte{ledger.PartSubject(v.r.chain, n, p.Name, p.Hash): garbage},
	}
	if m.commit(v.r, d) {
		m.erase()
		m.check()
		m.tend(m.view(v.r, nil))
	}
}
