package node_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
)

// What was just written can be read: the directory waits for its tables.
func TestDirectory(t *testing.T) {
	w := newWorld(t)
	guest := w.dialAs(t, nil)
	learnt := ledger.NewState(w.URL().Root, ledger.SomeChains)
	learn := func(subject string, query any) {
		t.Helper()
		evidence, err := ask[protocol.Evidence](t, guest, subject, query)
		must(t, err)
		for _, f := range evidence.Facts {
			e, err := ledger.ParseEntry(f.Entry)
			must(t, err)
			if e.Chain.Control() {
				must(t, learnt.Learn(f.Count, e))
			} else {
				must(t, learnt.Fold(e))
			}
		}
	}
	learn(protocol.DirNode, protocol.NodeQuery{})
	learn(protocol.DirAuthority, protocol.AuthorityQuery{Name: hospitalName})
	learn(protocol.DirIdentity, protocol.IdentityQuery{GID: w.patient.GID()})
	if _, ok := learnt.Node(w.gid(t)); !ok {
		t.Error("no description of the node")
	}
	if a, ok := learnt.Authority(hospitalName); !ok || !a.Active || a.Founder != w.hospital.GID() {
		t.Errorf("the hospital: %+v", a)
	}
	if _, ok := learnt.Patient(w.patient.GID()); !ok {
		t.Error("the patient is not one")
	}
	for range 20 {
		p := w.newPerson(t)
		if _, err := ask[protocol.Evidence](t, guest, protocol.DirIdentity, protocol.IdentityQuery{GID: p.GID()}); err != nil {
			t.Errorf("asked for somebody who has just registered: %v", err)
		}
	}
}

// Authorities are listed to anybody, page by page.
func TestAuthorityNames(t *testing.T) {
	w := newWorld(t)
	guest := w.dialAs(t, nil)
	for _, tt := range []struct {
		after policy.Authority
		want  []policy.Authority
	}{
		{"", []policy.Authority{hospitalName, ledger.RegistryName}},
		{hospitalName, []policy.Authority{ledger.RegistryName}},
		{ledger.RegistryName, nil},
	} {
		found, err := ask[protocol.Authorities](t, guest, protocol.DirAuthorities, protocol.AuthoritiesQuery{After: tt.after})
		must(t, err)
		if !slices.Equal(found.Names, tt.want) {
			t.Errorf("after %q: %q, want %q", tt.after, found.Names, tt.want)
		}
	}
}

func TestDirectoryRefuses(t *testing.T) {
	w := newWorld(t)
	guest, login := w.dialAs(t, nil), w.doctor.login(t)
	reader, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	for _, tt := range []struct {
		name string
		ask  func() error
		code string
	}{
		{"nobody", func() error {
			_, err := ask[protocol.Evidence](t, guest, protocol.DirIdentity, protocol.IdentityQuery{GID: newIdentity(t).GID()})
			return err
		}, protocol.CodeNotFound},
		{"no authority", func() error {
			_, err := ask[protocol.Evidence](t, guest, protocol.DirAuthority, protocol.AuthorityQuery{Name: "nowhere"})
			return err
		}, protocol.CodeNotFound},
		{"garbage", func() error {
			_, err := ask[protocol.Evidence](t, guest, protocol.DirIdentity, "garbage")
			return err
		}, protocol.CodeBad},
		{"a guest's own terms", func() error {
			_, err := ask[protocol.Mine](t, guest, protocol.DirMine, protocol.MineQuery{})
			return err
		}, "denied"},
		{"a reader's own keys", func() error {
			_, err := ask[protocol.Keys](t, reader.conn, protocol.DirKeys, protocol.KeysQuery{})
			return err
		}, "denied"},
		{"a doctor's own terms", func() error {
			mine, err := ask[protocol.Mine](t, login.conn, protocol.DirMine, protocol.MineQuery{})
			if err == nil && (len(mine.Terms) != 1 || mine.Terms[0].Term != w.term.ID) {
				t.Errorf("terms %+v", mine.Terms)
			}
			return err
		}, ""},
		{"a doctor's own keys", func() error {
			keys, err := ask[protocol.Keys](t, login.conn, protocol.DirKeys, protocol.KeysQuery{})
			if err == nil && len(keys.Entries) != 1 {
				t.Errorf("%d keys", len(keys.Entries))
			}
			return err
		}, ""},
		{"a guest's attributes", func() error {
			_, err := ask[protocol.Held](t, guest, protocol.DirHeld, protocol.HeldQuery{GID: w.doctor.GID()})
			return err
		}, "denied"},
		{"what a doctor holds", func() error {
			held, err := ask[protocol.Held](t, login.conn, protocol.DirHeld, protocol.HeldQuery{
				GID: w.doctor.GID(), Attributes: []string{"doctor@city-hospital", "nurse@city-hospital", "doctor@nowhere"},
			})
			if err == nil && len(held.Entries) != 1 {
				t.Errorf("%d attributes", len(held.Entries))
			}
			return err
		}, ""},
		{"what the patient issued to somebody else", func() error {
			_, err := ask[protocol.Held](t, login.conn, protocol.DirHeld, protocol.HeldQuery{
				GID: w.hospital.GID(), Attributes: []string{ledger.GrantAttribute(w.patient.GID(), w.term.ID).String()},
			})
			return err
		}, protocol.CodeRefused},
		{"no attribute", func() error {
			_, err := ask[protocol.Held](t, login.conn, protocol.DirHeld, protocol.HeldQuery{GID: w.doctor.GID(), Attributes: []string{"*"}})
			return err
		}, protocol.CodeBad},
		{"too many attributes", func() error {
			_, err := ask[protocol.Held](t, login.conn, protocol.DirHeld, protocol.HeldQuery{GID: w.doctor.GID(), Attributes: make([]string, 65)})
			return err
		}, protocol.CodeBad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.ask(); codeOf(err) != tt.code {
				t.Errorf("%v, want code %q", err, tt.code)
			}
		})
	}
}

// A node that can't tell in time how far its log goes is busy, which is nothing to tell its operator.
func TestBehind(t *testing.T) {
	n := run(t, node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := n.Settle(ctx); codeOf(err) != protocol.CodeBusy {
		t.Errorf("in no time: %v, want %s", err, protocol.CodeBusy)
	}
}
