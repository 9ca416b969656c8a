package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	signed "golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

// A node does not prove any more where chains end, so that it may withhold what it likes. What is read is marked as old after ten
// minutes, and others are given no keys on it; the patient still reads, writes, and takes rights away.
func TestAttack58_NoProof(t *testing.T) {
	w := newWorld(t)
	w.the("doctor@city-hospital")
	liar := newMeddler(w.node.Dialer())
	config := w.config(newHome(t))
	config.Dialer = liar
	maria := w.dial(config)
	must(t, maria.RegisterPatient(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(hers, "one")
	if old := maria.Unproven(); old != nil {
		t.Fatalf("marked as old at once: %s", old)
	}

	liar.refuse(protocol.DirHeads, &stream.Error{Code: protocol.CodeBusy, Text: "not now"})
	w.clock.forward(12 * time.Minute)
	w.reads("the patient", hers, "one")
	if old := maria.Unproven(); old == nil || old.AsOf.IsZero() || hers.Unproven() == nil {
		t.Errorf("after 12 minutes it passes for new: %v", old)
	}
	w.write(hers, "two")
	until, no := w.clock.now().Add(time.Hour), false
	for what, try := range map[string]func() error{
		"a grant": func() error {
			_, err := hers.Grant(w.ctx, client.GrantRequest{To: "doctor@city-hospital"})
			return err
		},
		"an epoch": func() error {
			_, err := hers.StartEpoch(w.ctx, "because")
			return err
		},
		"a proxy": func() error {
			_, err := maria.AddProxy(w.ctx, client.ProxyRequest{
				To: w.the("doctor@city-hospital").GID(), Compartments: []ledger.Compartment{ledger.Health}, Until: until,
			})
			return err
		},
		"emergencies": func() error {
			_, err := hers.AllowEmergency(w.ctx, "doctor@city-hospital", "doctor@city-hospital")
			return err
		},
	} {
		if err := try(); !errors.Is(err, client.ErrUnproven) {
			t.Errorf("%s: %v, want ErrUnproven", what, err)
		}
	}
	must(t, hers.EditGrant(w.ctx, granted.Term.ID, client.GrantEdit{Write: &no}))
	yes := true
	if err := hers.EditGrant(w.ctx, granted.Term.ID, client.GrantEdit{Write: &yes}); !errors.Is(err, client.ErrUnproven) {
		t.Errorf("a grant that is widened: %v, want ErrUnproven", err)
	}
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	w.reads("the patient", hers, "one", "two")

	maria.LeaveOut(client.HeadFresh)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
}

// A home wants a witness's cosignature on the log. While there is none, and while the witness has cosigned another log, nothing counts as
// proven; with it, all goes on.
func TestAttack58_Unwitnessed(t *testing.T) {
	w := newWorld(t)
	w.the("doctor@city-hospital")
	secret, public, err := signed.GenerateKey(rand.Reader, "witness.example/one")
	must(t, err)
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	must(t, err)
	key, err := cosignature.VKeyToCosignatureV1(public)
	must(t, err)
	policy, err := witness.ParsePolicy([]byte("witness one " + key + "\nquorum one\n"))
	must(t, err)
	liar := newMeddler(w.node.Dialer())
	dial := func(left ...client.Check) *client.Book {
		maria := w.patient()
		must(t, maria.Home().SetWitnessPolicy(policy))
		config := w.config(maria.Home())
		config.Dialer = liar
		c := w.dial(config)
		c.LeaveOut(left...)
		hers := w.book(c, maria, ledger.Health)
		w.write(hers, "one")
		w.reads("the patient", hers, "one")
		return hers
	}
	request := client.GrantRequest{To: "doctor@city-hospital"}
	hers := dial()
	if err := w.grantOnce(hers, request); !errors.Is(err, client.ErrUnproven) || !strings.Contains(err.Error(), "not witnessed") {
		t.Errorf("a grant that no witness vouches for: %v, want ErrUnproven", err)
	}
	if hers.Unproven() == nil {
		t.Error("what no witness vouches for passes for proven")
	}
	must(t, w.grantOnce(dial(client.LogWitnessed), request))

	log, err := tree.NewVerifier(tree.Origin(w.node.URL().Root), w.logKey().Public().(ed25519.PublicKey))
	must(t, err)
	meddle(t, liar, protocol.DirCheckpoint, func(c *protocol.Checkpoint) {
		n, err := signed.Open(c.Note, signed.VerifierList(log))
		must(t, err)
		c.Witnessed, err = signed.Sign(n, signer)
		must(t, err)
	})
	hers = dial()
	must(t, w.grantOnce(hers, request))
	if old := hers.Unproven(); old != nil {
		t.Errorf("what a witness vouches for is marked: %s", old)
	}
}

// A hospital's program has not run for two days: whom it has removed since may be hidden by the node. Nobody is given keys on its word,
// and no epoch that is due is wrapped for it, until it says that it is there. The patient who takes a grant back is not held up by it,
// and is told.
func TestAttack65_SleepingAuthority(t *testing.T) {
	w := newWorld(t)
	hospital, ruiz, maria := w.silent(), w.person(), w.patient()
	code, _, err := hospital.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}})
	must(t, err)
	stop := w.served(hospital)
	_, err = ruiz.Enroll(w.ctx, code, "Dr")
	must(t, err)
	stop()
	hers := w.book(maria, maria, ledger.Health)
	doctors := client.GrantRequest{To: "doctor@still-hospital", Write: true}
	first, second := w.grant(hers, doctors), w.grant(hers, doctors)
	w.write(hers, "one")
	asleep := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, client.ErrAsleep) {
			t.Errorf("%s: %v, want ErrAsleep", what, err)
		}
	}

	w.clock.forward(40 * time.Hour)
	third := w.grant(hers, doctors)
	w.clock.forward(10 * time.Hour)
	_, err = hers.Grant(w.ctx, doctors)
	asleep("a grant", err)
	change, err := hers.PlanGrant(w.ctx, doctors)
	must(t, err)
	_, err = change.Preview(w.ctx)
	asleep("a preview of one", err)
	_, err = hers.StartEpoch(w.ctx, "because")
	asleep("an epoch", err)
	w.write(hers, "two") // none is due

	change, err = hers.PlanRevoke(w.ctx, first.Term.ID)
	must(t, err)
	preview, err := change.Preview(w.ctx)
	must(t, err)
	if len(preview.Asleep) != 1 || preview.Asleep[0].Name != "still-hospital" {
		t.Errorf("the preview of a revocation warns of %v, want the hospital", preview.Asleep)
	}
	must(t, change.Make(w.ctx))

	w.clock.forward(31 * 24 * time.Hour) // an epoch is due
	_, err = w.book(ruiz, maria, ledger.Health).Write(w.ctx, notes("three"), nil)
	asleep("a doctor's write in an epoch that is over", err)
	must(t, hers.Revoke(w.ctx, second.Term.ID))

	stop = w.served(hospital)

	soon, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	for err = w.grantOnce(hers, doctors); err != nil; err = w.grantOnce(hers, doctors) {
		asleep("a grant, before the hospital has said anything", err)
		must(t, soon.Err())
	}
	must(t, hers.Revoke(w.ctx, third.Term.ID))
	stop()

	w.clock.forward(50 * time.Hour)
	asleep("two days later", w.grantOnce(hers, doctors))
	maria.LeaveOut(client.AuthorityAwake)
	must(t, w.grantOnce(hers, doctors))
}

func (w *world) grantOnce(b *client.Book, r client.GrantRequest) error {
	_, err := b.Grant(w.ctx, r)
	return err
}

// An authority that is served and has nothing to say says daily where its chain ends, once.
func TestAuthorityHeadDaily(t *testing.T) {
	w := newWorld(t)
	hospital := w.silent()
	_, _, err := hospital.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}})
	must(t, err)
	stop := w.served(hospital)
	defer stop()
	soon, cancel := context.WithTimeout(w.ctx, 2*time.Minute)
	defer cancel()
	other := w.connect(hospital.Home())
	heads := func() (n int) {
		must(t, soon.Err())
		must(t, other.Say(w.ctx, ledger.AuthorityChain("still-hospital"), func(all []*ledger.Entry) ([]ledger.Body, error) {
			n = 0
			for _, e := range all {
				if e.Kind() == ledger.AuthorityHeadKind {
					n++
				}
			}
			return nil, nil
		}))
		return n
	}
	for day := range 3 {
		for heads() < day {
		}
		if n := heads(); n != day {
			t.Errorf("%d heads after %d days", n, day)
		}
		w.clock.forward(24*time.Hour + time.Minute)
	}
}
