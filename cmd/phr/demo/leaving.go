package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// leaveHospital has the hospital take Dr Kim's attribute away, while he watches Maria's record.
func (d *demo) leaveHospital(ctx context.Context) ([]string, error) {
	kim, err := d.join(ctx, "Dr Kim", d.hospital, "doctor")
	if err != nil {
		return nil, err
	}
	his, err := kim.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.readAll(ctx, kim, ledger.Health); err != nil {
		return nil, err
	}
	ended, err := d.watching(ctx, his)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	withdrawn, err := d.hospital.Revoke(ctx, client.Revocation{GID: kim.GID(), Attributes: []string{"doctor"}, Reason: "left"}, nil)
	if err != nil {
		return nil, err
	}
	done := time.Since(start)
	if err := within(ended, client.ErrNotShared); err != nil {
		return nil, err
	}
	out := time.Since(start)
	hers, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	explained, err := hers.Explain(ctx, "")
	if err != nil {
		return nil, err
	}
	if err := expect(explained.Stale != "", "Maria does not see that her keys are stale"); err != nil {
		return nil, err
	}
	// Whoever writes next starts an epoch: here Dr Ruiz, who still is a doctor, and whose keys are new.
	after, err := d.note(ctx, d.ruiz, ledger.Health, "Taken over from Dr Kim.")
	if err != nil {
		return nil, err
	}
	old, opened, err := d.tryWithOldKeys(ctx, his, after)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("the attribute moves to its next version, and the %d who keep it have new keys after %s; Dr Kim's watching ended after %s",
			withdrawn.Issued, round(done), round(out)),
		"Maria sees which keys are stale and since when; Dr Ruiz, writing next, fetches his new key and starts a new epoch by himself",
		fmt.Sprintf("Dr Kim, with all his old keys and a copy of the log, opens the %d records from before and not the new one", old),
	}, expect(old > 0 && !opened, "with his old keys Dr Kim opens %d old records; the new one: %v", old, opened)
}

// within waits until something ends, which has to be by an error.
func within(ended <-chan error, want error) error {
	select {
	case err := <-ended:
		return expect(errors.Is(err, want), "a live session should have ended: %v", err)
	case <-time.After(10 * time.Second):
		return expect(false, "a live session goes on")
	}
}
