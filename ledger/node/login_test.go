package node_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// A login shows a person what is theirs, and reads it.
func TestLogin(t *testing.T) {
	w := newWorld(t)
	gid := w.patient.GID()
	for _, tt := range []struct {
		name string
		who  *person
		own  []ledger.Chain
	}{
		{"patient", w.patient, []ledger.Chain{
			ledger.PersonChain(gid), ledger.RecordChain(gid, ledger.Profile), w.health,
		}},
		{"founder", w.hospital, []ledger.Chain{ledger.PersonChain(w.hospital.GID()), ledger.AuthorityChain(hospitalName)}},
		{"doctor", w.doctor, []ledger.Chain{ledger.PersonChain(w.doctor.GID())}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.who.login(t)
			got := make([]string, len(s.grant.Heads))
			for i, h := range s.grant.Heads {
				got[i] = h.Chain
			}
			want := make([]string, len(tt.own))
			for i, c := range tt.own {
				want[i] = c.String()
				if w.read(t, s, c, 0) == 0 {
					t.Errorf("nothing to read on %s", c)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("heads of %v, want %v", got, want)
			}
			w.checkForeign(t, s, tt.own)
		})
	}
}

// checkForeign tries to read every chain that is not one's own.
func (w *world) checkForeign(t *testing.T, s *session, own []ledger.Chain) {
	t.Helper()
	for _, c := range []ledger.Chain{
		w.health, ledger.RecordChain(w.patient.GID(), ledger.Profile), ledger.PersonChain(w.patient.GID()),
		ledger.PersonChain(w.hospital.GID()), ledger.AuthorityChain(hospitalName), ledger.AuthorityChain(ledger.RegistryName),
		ledger.NodeChain(w.gid(t)),
		{},
	} {
		if slices.Contains(own, c) {
			continue
		}
		name := c.String()
		if c == (ledger.Chain{}) {
			name = ""
		}
		_, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: name})
		if codeOf(err) != protocol.CodeRefused {
			t.Errorf("reading %q: %v", name, err)
		}
	}
}

// The patient sees on the access chain who looked.
func TestAccessChainIsThePatients(t *testing.T) {
	w := newWorld(t)
	_, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	access := ledger.RecordChain(w.patient.GID(), ledger.Access)
	if n := w.read(t, w.patient.login(t), access, 0); n != 1 {
		t.Errorf("%d entries on the access chain", n)
	}
}

// An auditor reads everything, and that stands in the log first. When the registry takes the attribute back, it is over.
func TestAuditor(t *testing.T) {
	n := run(t, node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	auditor := n.newPerson(t)
	whole := protocol.ConsumerQuery{}
	if _, err := ask[protocol.Consumer](t, auditor.login(t).conn, protocol.GateConsumer, whole); codeOf(err) != protocol.CodeRefused {
		t.Errorf("before: %v", err)
	}
	n.makeAuditor(t, auditor)
	s := auditor.login(t)
	consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, whole)
	must(t, err)
	var kinds []string
	must(t, s.conn.Fetch(t.Context(), consumer.Name, func(entries []stream.Entry, _ uint64) error {
		for _, e := range entries {
			kinds = append(kinds, e.Subject[strings.LastIndexByte(e.Subject, '.')+1:])
		}
		return nil
	}))
	last, err := n.Ledger().LastSeq(t.Context())
	must(t, err)
	if len(kinds) != int(last) || kinds[len(kinds)-1] != "incident" {
		t.Errorf("read %v of %d", kinds, last)
	}
	_, err = ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{From: last})
	must(t, err)
	if after, err := n.Ledger().LastSeq(t.Context()); err != nil || after != last {
		t.Errorf("logged once more, or %v", err)
	}
	n.registry(t).say(t, ledger.AuthorityChain(ledger.RegistryName), []ledger.Body{&ledger.RepresentativeRemoved{GID: auditor.GID(), Attributes: []string{"auditor"}}})
	checkClosed(t, s.conn)
}

// makeAuditor has the registry enrol somebody as an auditor.
func (n *running) makeAuditor(t testing.TB, p *person) {
	t.Helper()
	n.registry(t).say(t, ledger.AuthorityChain(ledger.RegistryName), []ledger.Body{
		&ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{"auditor"}},
		&ledger.KeyIssued{GID: p.GID(), Attribute: "auditor", Version: 1, Sealed: []byte("sealed")},
	})
}

// registry is the node's registry as a person.
func (n *running) registry(t testing.TB) *person {
	t.Helper()
	id, phr, err := node.Registry(n.dir)
	must(t, err)
	if phr.Founder() != id.GID() || phr.Name() != ledger.RegistryName {
		t.Fatal("not the registry")
	}
	return &person{Identity: id, n: n, guest: n.dialAs(t, nil)}
}

// Who is refused is counted on the patient's access chain, once an hour, if they are somebody.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	access := ledger.RecordChain(w.patient.GID(), ledger.Access)
	curious := w.newPerson(t)
	ask := func(p *person, c ledger.Chain) {
		t.Helper()
		if _, err := p.ask(t, c, ledger.OpRead, w.term.ID); codeOf(err) != protocol.CodeRefused {
			t.Errorf("asked for %s: %v", c, err)
		}
	}
	ask(curious, w.health)
	w.until(t, "the refusal is logged", func(s *ledger.State) bool {
		head, _ := s.Head(access)
		return head.Number == 1
	})
	ask(curious, w.health)                                                                  // within the hour
	ask(curious, ledger.RecordChain(w.doctor.GID(), ledger.Health))                         // of nobody's record
	ask(&person{Identity: newIdentity(t), n: w.running, guest: w.dialAs(t, nil)}, w.health) // a stranger
	_, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	w.Fold().View(func(s *ledger.State) {
		if head, _ := s.Head(access); head.Number != 2 {
			t.Errorf("%d entries on the access chain, want the refusal and the doctor's session", head.Number)
		}
		if _, ok := s.Head(ledger.RecordChain(w.doctor.GID(), ledger.Access)); ok {
			t.Error("a refusal stands on the access chain of somebody who is no patient")
		}
	})
}

// Refusals within an hour are counted, and said when it is over.
func TestRefusalsAreCounted(t *testing.T) {
	var ahead atomic.Int64
	w := newWorldWith(t, func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	access := ledger.RecordChain(w.patient.GID(), ledger.Access)
	curious := w.newPerson(t)
	for range 4 {
		if _, err := curious.ask(t, w.health, ledger.OpRead, w.term.ID); codeOf(err) != protocol.CodeRefused {
			t.Errorf("asked: %v", err)
		}
	}
	ahead.Store(int64(61 * time.Minute))
	w.until(t, "the refusals are logged", func(s *ledger.State) bool {
		head, _ := s.Head(access)
		return head.Number == 2
	})
	var counts []uint32
	must(t, w.Ledger().Read(t.Context(), 1, func(entries []stream.Entry) error {
		for _, raw := range entries {
			e, err := ledger.ParseEntry(raw.Data)
			if err != nil {
				return err
			}
			if b, ok := e.Body.(*ledger.SessionRefused); ok && b.GID == curious.GID() && b.Compartment == ledger.Health {
				counts = append(counts, b.Count)
			}
		}
		return nil
	}))
	if !slices.Equal(counts, []uint32{1, 3}) {
		t.Errorf("counts %v", counts)
	}
}

// A patient who speaks for authorities too has the largest login there is. It still fits on the line that brings it.
func TestLargestLogin(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		name := policy.Authority(fmt.Sprintf("an-authority-with-a-long-name-%d", i))
		key, err := abe.GenerateMasterKey(rand.Reader, name)
		must(t, err)
		w.patient.register(t, ledger.PersonChain(w.patient.GID()), &ledger.AuthorityRegistered{
			Name: name, Role: ledger.Hospital, Key: key.PublicKey().Bytes(),
		})
		w.until(t, "it is endorsed", func(s *ledger.State) bool {
			_, ok := s.Authority(name)
			return ok
		})
	}
	s := w.patient.login(t)
	t.Logf("a JWT of %d bytes", len(s.grant.JWT))
	w.read(t, s, ledger.AuthorityChain("an-authority-with-a-long-name-4"), 0)
}

// All refusals read the same.
func TestRefusalsTellNothing(t *testing.T) {
	w := newWorld(t)
	text := func(p *person, r challenge.Request) string {
		t.Helper()
		_, err := p.open(t, r)
		if err == nil {
			t.Fatal("not refused")
		}
		return err.Error()
	}
	curious := w.newPerson(t)
	other := ledger.RecordChain(curious.GID(), ledger.Health)
	want := text(curious, requestFor(w.health, ledger.OpRead, w.term.ID))
	stranger := &person{Identity: newIdentity(t), n: w.running, guest: w.dialAs(t, nil)}
	for name, got := range map[string]string{
		"no patient":     text(curious, requestFor(other, ledger.OpRead, w.term.ID)),
		"no compartment": text(curious, requestFor(ledger.RecordChain(w.patient.GID(), "none"), ledger.OpRead, w.term.ID)),
		"no term":        text(w.doctor, requestFor(w.health, ledger.OpRead, ledger.TermID{1})),
		"a stranger":     text(stranger, loginRequest),
	} {
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
