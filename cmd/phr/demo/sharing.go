package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

func (d *demo) doctor(ctx context.Context) ([]string, error) {
	_, _, err := d.readAll(ctx, d.ruiz, ledger.Health)
	if err := refused(err, "Dr Ruiz, before any grant,"); err != nil {
		return nil, err
	}
	d.grant, err = d.share(ctx, ledger.Health, client.GrantRequest{To: "PATIENT@PHR or DOCTOR@CITY-HOSPITAL", Write: true})
	if err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.ruiz, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := expect(read >= len(d.plan.Drafts[ledger.Health]), "Dr Ruiz reads %d records", read); err != nil {
		return nil, err
	}
	id, err := d.note(ctx, d.ruiz, ledger.Health, "Blood pressure well controlled. Continue as before.")
	if err != nil {
		return nil, err
	}
	author, ok, err := d.sees(ctx, d.maria, ledger.Health, id)
	if err != nil {
		return nil, err
	}
	return []string{
		"before the grant he is refused; the grant is to every doctor@city-hospital, and names nobody",
		fmt.Sprintf("challenge, session, %d records fetched, verified, opened: %s; two attribute-based decryptions in all, none a record", read,
			round(took)),
		"he wrote a note, signed by him; Maria reads it",
	}, expect(ok && author == d.ruiz.GID(), "Maria does not read what Dr Ruiz wrote")
}

// readAll opens a compartment from nothing, and returns how many records were readable.
func (d *demo) readAll(ctx context.Context, p *person, name ledger.Compartment) (int, time.Duration, error) {
	b, err := p.Book(ctx, d.maria.GID(), name)
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	records, err := b.Records(ctx)
	took := time.Since(start)
	readable := 0
	for _, r := range records {
		if r.Unreadable == "" {
			readable++
		}
	}
	return readable, took, err
}

func (d *demo) trainer(ctx context.Context) ([]string, error) {
	var err error
	if d.trainers, err = d.share(ctx, ledger.Training, client.GrantRequest{To: "trainer@iron-gym", Write: true}); err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.leo, ledger.Training)
	if err != nil {
		return nil, err
	}
	id, err := d.note(ctx, d.leo, ledger.Training, "Three easy runs this week; the knee holds.")
	if err != nil {
		return nil, err
	}
	_, ok, err := d.sees(ctx, d.maria, ledger.Training, id)
	if err != nil {
		return nil, err
	}
	if err := expect(ok, "Maria does not read what Leo wrote"); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, d.leo, ledger.Health)
	if err := refused(err, "Leo, at health data,"); err != nil {
		return nil, err
	}
	if err := refused(d.knock(ctx, d.leo, ledger.Health, ledger.OpRead, d.grant.Term.ID), "Leo, asking the gate under the doctors' grant,"); err != nil {
		return nil, err
	}
	_, err = d.share(ctx, ledger.Health, client.GrantRequest{To: "trainer@iron-gym", Write: true})
	return []string{
		fmt.Sprintf("he reads %d training records (%s) and writes one; health data refuses him, at the client and at the gate", read, round(took)),
		"a grant that would let a trainer write health data is refused when it is set",
	}, refused(err, "a grant to a trainer to write health data")
}

func (d *demo) insurer(ctx context.Context) ([]string, error) {
	granted, err := d.share(ctx, ledger.Health, client.GrantRequest{To: "agent@acme-insurance", FromNow: true, Purpose: "HPAYMT"})
	if err != nil {
		return nil, err
	}
	if _, err := d.note(ctx, d.maria, ledger.Health, "For my insurance: the invoice of October."); err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.ida, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := expect(read == 1, "granted from now on, Ida reads %d records instead of 1", read); err != nil {
		return nil, err
	}
	_, first := d.share(ctx, ledger.Health, client.GrantRequest{To: "agent@acme-insurance", Write: true})
	if err := refused(first, "a grant to an insurer to write"); err != nil {
		return nil, err
	}
	second := d.knock(ctx, d.ida, ledger.Health, ledger.OpWrite, granted.Term.ID)
	if err := refused(second, "Ida's session to write"); err != nil {
		return nil, err
	}
	third, err := d.judgeForged(ctx, d.ida, ledger.Health)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("granted from now on, she reads the one record written since (%s), and none from before", round(took)),
		"1. the term that would allow it is refused when it is set: " + reason(first),
		"2. the gate refuses the session: " + reason(second),
		"3. an event she signs all the same counts for no validator: " + reason(third),
	}, refused(third, "Ida's event")
}

func (d *demo) employer(ctx context.Context) ([]string, error) {
	_, err := d.share(ctx, ledger.Training, client.GrantRequest{To: "gid:" + string(d.hugo.GID()) + " and hr@globex", Purpose: "HSYSADMIN"})
	if err != nil {
		return nil, err
	}
	if _, err := d.hugo.FetchKeys(ctx); err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.hugo, ledger.Training)
	if err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, d.hugo, ledger.Health)
	return []string{
		fmt.Sprintf("Hugo, named by Maria and holding hr@globex, reads %d training records (%s)", read, round(took)),
		"health data refuses him",
	}, refused(err, "Hugo, at health data,")
}

func (d *demo) outsiders(ctx context.Context) ([]string, error) {
	_, _, err := d.readAll(ctx, d.stranger, ledger.Health)
	if err := refused(err, "the stranger"); err != nil {
		return nil, err
	}
	if err := refused(d.knock(ctx, d.stranger, ledger.Health, ledger.OpRead, d.grant.Term.ID), "the stranger, asking the gate,"); err != nil {
		return nil, err
	}
	both, err := d.share(ctx, ledger.Training, client.GrantRequest{To: "nurse@city-hospital and agent@acme-insurance"})
	if err != nil {
		return nil, err
	}
	for _, p := range []*person{d.nurse, d.ida} {
		if err := refused(d.knock(ctx, p, ledger.Training, ledger.OpRead, both.Term.ID), p.name+", with half of what is asked,"); err != nil {
			return nil, err
		}
	}
	return []string{
		"the stranger is refused by the directory and by the gate",
		"Nina holds nurse@city-hospital and Ida agent@acme-insurance; a term asks for both: each alone is refused",
		"their keys, pooled, open nothing: an attribute key works only with keys of the same person",
	}, d.pool(both.Term.Expression)
}

// pool tries what two people's attribute keys open together.
func (d *demo) pool(expression string) error {
	p, err := policy.Parse(expression)
	if err != nil {
		return err
	}
	x, err := d.resolve(p, d.hospital, d.insurance)
	if err != nil {
		return err
	}
	_, ciphertext, err := x.Encapsulate(random, abe.Wrap, nil)
	if err != nil {
		return err
	}
	pooled := append(d.nurse.Home().AttributeKeys(), d.ida.Home().AttributeKeys()...)
	_, err = x.Decapsulate(pooled, abe.Wrap, nil, ciphertext)
	return refused(err, "the pooled keys")
}

// resolve makes the expression of a policy over attributes at their first version.
func (d *demo) resolve(p *policy.Policy, authorities ...*person) (*abe.Expression, error) {
	var keys []*abe.PublicKey
	for _, at := range authorities {
		a, err := at.Home().Authority()
		if err != nil {
			return nil, err
		}
		keys = append(keys, a.PublicKey())
	}
	return abe.NewExpression(p, func(policy.Attribute) (uint32, bool) { return 1, true }, keys...)
}

func (d *demo) revoke(ctx context.Context) ([]string, error) {
	his, err := d.ruiz.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	ended, err := d.watching(ctx, his)
	if err != nil {
		return nil, err
	}
	hers, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := hers.Revoke(ctx, d.grant.Term.ID); err != nil {
		return nil, err
	}
	done := time.Since(start)
	if err := within(ended, client.ErrNotShared); err != nil {
		return nil, err
	}
	out := time.Since(start)
	if err := refused(d.knock(ctx, d.ruiz, ledger.Health, ledger.OpRead, d.grant.Term.ID), "his new session"); err != nil {
		return nil, err
	}
	after, err := d.note(ctx, d.maria, ledger.Health, "I have changed my doctor.")
	if err != nil {
		return nil, err
	}
	old, opened, err := d.tryWithOldKeys(ctx, his, after)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("the revocation is on disk in %s; his watching ended %s after Maria asked; new sessions are refused", round(done), round(out)),
		fmt.Sprintf("given a copy of the log, he opens the %d records he could open before, and none written since", old),
		"what he has read, he has read: revoking takes back keys, not memory",
	}, expect(old > 0 && !opened, "with his old keys he opens %d old records; the new one: %v", old, opened)
}

// watching lets a doctor watch, and returns once he does: once he sees something that was written meanwhile.
func (d *demo) watching(ctx context.Context, his *client.Book) (<-chan error, error) {
	ended := make(chan error, 1)
	seen := make(chan struct{}, 1)
	go func() {
		ended <- his.Watch(ctx, func(chart.Record) error {
			select {
			case seen <- struct{}{}:
			default:
			}
			return nil
		})
	}()
	for {
		if _, err := d.note(ctx, d.maria, ledger.Health, "Slept well."); err != nil {
			return nil, err
		}
		select {
		case <-seen:
			return ended, nil
		case err := <-ended:
			return nil, fmt.Errorf("watching: %w", err)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second): // he was not watching yet
		}
	}
}
