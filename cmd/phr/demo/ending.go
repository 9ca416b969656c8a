package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// proxy lets Maria's son act for her, until a date.
func (d *demo) proxy(ctx context.Context) ([]string, error) {
	var err error
	if d.son, err = d.enter(ctx, "Tomás"); err != nil {
		return nil, err
	}
	if err := d.son.RegisterIdentity(ctx); err != nil {
		return nil, err
	}
	_, err = d.maria.AddProxy(ctx, client.ProxyRequest{
		To: d.son.GID(), Compartments: []ledger.Compartment{ledger.Health, ledger.Training}, Write: true, Until: d.clock.now().Add(90 * 24 * time.Hour),
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.son.FetchKeys(ctx); err != nil {
		return nil, err
	}
	read, took, err := d.readAll(ctx, d.son, ledger.Health)
	if err != nil {
		return nil, err
	}
	id, err := d.note(ctx, d.son, ledger.Health, "Mother asked me to note: dizzy after breakfast.")
	if err != nil {
		return nil, err
	}
	author, ok, err := d.sees(ctx, d.maria, ledger.Health, id)
	if err != nil {
		return nil, err
	}
	if err := expect(ok && author == d.son.GID(), "Maria does not read what Tomás wrote for her"); err != nil {
		return nil, err
	}
	b, err := d.son.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	_, err = b.Grant(ctx, client.GrantRequest{To: "agent@acme-insurance"})
	if err := refused(err, "a grant by Tomás"); err != nil {
		return nil, err
	}
	ended, err := d.maria.EndProxies(ctx, func(p client.Proxy) bool { return p.Person == d.son.GID() })
	if err != nil {
		return nil, err
	}
	_, err = d.note(ctx, d.son, ledger.Health, "One more thing.")
	return []string{
		fmt.Sprintf("Tomás reads %d records of his mother's (%s) and writes one, which says that he acted for her; the right ends by itself in 90 days",
			read, round(took)),
		"he can't pass it on: only she grants, makes compartments and erases",
		fmt.Sprintf("she ends it sooner, in %d compartments: he is out", len(ended)),
	}, refused(err, "writing as Tomás after the end")
}

// erase destroys the keys of one record, its versions included.
func (d *demo) erase(ctx context.Context) ([]string, error) {
	id, err := d.note(ctx, d.maria, ledger.Health, "Something I wish I had not written.")
	if err != nil {
		return nil, err
	}
	b, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	_, err = b.Write(ctx, []client.Draft{{Kind: chart.Amended, Media: chart.Note, Body: []byte("Something worse."), Refers: id}}, nil)
	if err != nil {
		return nil, err
	}
	before, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	erased, err := b.Erase(ctx, id)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	after, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := expect(before-after == 2 && erased.Versions == 2, "%d versions were erased, and %d fewer are readable", erased.Versions, before-after); err != nil {
		return nil, err
	}
	there, err := d.stillThere(ctx, id)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("one record with its amendment: %d leaves punctured from the key state, the old state deleted, in %s", erased.Versions, round(took)),
		fmt.Sprintf("the %d other records open as before", after),
		"event and proof stay in the log, the content is nobody's: not hers, not that of whoever is granted the past later",
	}, expect(there, "the event of the erased record is gone from the log")
}

// stillThere tells whether the event of a record stands in the log, and opens for nobody: not for Maria, who has every key
// there is.
func (d *demo) stillThere(ctx context.Context, id ledger.EventID) (bool, error) {
	log, err := d.copyLog(ctx)
	if err != nil {
		return false, err
	}
	b, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return false, err
	}
	for _, e := range log {
		if e.ID == id {
			return true, expect(!b.Opens(e), "Maria's keys open what she erased")
		}
	}
	return false, nil
}

// eraseAll has Maria erase her record as a whole.
func (d *demo) eraseAll(ctx context.Context) ([]string, error) {
	before, _, err := d.readAll(ctx, d.leo, ledger.Training)
	if err != nil {
		return nil, err
	}
	if err := d.maria.EraseCompartment(ctx, emergency, "never needed again"); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := d.maria.ErasePatient(ctx, client.EraseRequest{Reason: "moved away"}); err != nil {
		return nil, err
	}
	took := time.Since(start)
	for _, p := range []*person{d.maria, d.leo} {
		_, _, err := d.readAll(ctx, p, ledger.Training)
		if err := refused(err, p.name+", after the end,"); err != nil {
			return nil, err
		}
	}
	return []string{
		fmt.Sprintf("first one compartment, then every other with the record, in %s: the keys are destroyed, sessions end, nothing follows", round(took)),
		fmt.Sprintf("neither she nor Leo, who read %d records a moment ago, is given anything any more", before),
	}, nil
}
