package demo

import (
	stdbytes "bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// consider previews a grant that lets in more than it seems to, and takes the right to write from one that stands.
func (d *demo) consider(ctx context.Context) ([]string, error) {
	b, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	wide, err := b.PlanGrant(ctx, client.GrantRequest{To: "nurse@city-hospital or hr@globex"})
	if err != nil {
		return nil, err
	}
	shown, err := wide.Preview(ctx)
	if err != nil {
		return nil, err
	}
	employer := []policy.Attribute{{Name: "hr", Authority: "globex"}}
	lets := slices.ContainsFunc(shown.Gains.Read, func(set []policy.Attribute) bool { return slices.Equal(set, employer) })
	if err := expect(lets, "the preview does not show that the employer would read: %v", shown.Gains.Read); err != nil {
		return nil, err
	}
	narrowed, err := d.narrow(ctx)
	if err != nil {
		return nil, err
	}
	return append([]string{
		fmt.Sprintf("'nurse@city-hospital or hr@globex' would let her employer read %d records: she sees it before anything is signed, and leaves it", shown.Opened),
	}, narrowed...), nil
}

// narrow leaves trainers reading, for a day.
func (d *demo) narrow(ctx context.Context) ([]string, error) {
	b, err := d.maria.Book(ctx, d.maria.GID(), ledger.Training)
	if err != nil {
		return nil, err
	}
	write, until := false, d.clock.now().Add(24*time.Hour)
	change, err := b.PlanEdit(ctx, d.trainers.Term.ID, client.GrantEdit{Write: &write, Until: &until})
	if err != nil {
		return nil, err
	}
	shown, err := change.Preview(ctx)
	if err != nil {
		return nil, err
	}
	if err := expect(len(shown.Loses.Write) == 1 && len(shown.Loses.Read) == 0, "the preview shows that %v lose", shown.Loses); err != nil {
		return nil, err
	}
	if err := change.Make(ctx); err != nil {
		return nil, err
	}
	_, err = d.note(ctx, d.leo, ledger.Training, "One more set.")
	if err := refused(err, "Leo's writing"); err != nil {
		return nil, err
	}
	read, _, err := d.readAll(ctx, d.leo, ledger.Training)
	if err != nil {
		return nil, err
	}
	receipt, err := b.Consent(ctx, d.trainers.Term.ID)
	if err != nil {
		return nil, err
	}
	explained, err := b.Explain(ctx, "")
	if err != nil {
		return nil, err
	}
	could := cheats(explained.Coalitions)
	return []string{
		fmt.Sprintf("she leaves trainers reading, for a day: the preview says who loses what and starts epoch %d; Leo can't write any more, and reads %d records",
			shown.Epoch, read),
		fmt.Sprintf("the receipt of that, for others, is a FHIR Consent of %s", bytes(int64(len(receipt)))),
		"the fewest who could cheat her out of training data, by making keys for themselves: " + could,
	}, expect(stdbytes.Contains(receipt, []byte(`"Consent"`)) && could != "", "there is no receipt, or nobody could cheat")
}

// cheats says which authorities could open something of Maria's together, without her.
func cheats(all [][]policy.Authority) string {
	var each []string
	for _, some := range all {
		var names []string
		for _, name := range some {
			names = append(names, string(name))
		}
		if !slices.ContainsFunc(some, policy.Authority.IsGID) {
			each = append(each, strings.Join(names, " with "))
		}
	}
	return strings.Join(each, ", or ")
}

// expire lets the trainers' grant, which was for a day, end by itself, and renews it.
func (d *demo) expire(ctx context.Context) ([]string, error) {
	his, err := d.leo.Book(ctx, d.maria.GID(), ledger.Training)
	if err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, d.leo, ledger.Training)
	if err := refused(err, "Leo, after the end of his grant,"); err != nil {
		return nil, err
	}
	if err := refused(d.knock(ctx, d.leo, ledger.Training, ledger.OpRead, d.trainers.Term.ID), "Leo, asking the gate,"); err != nil {
		return nil, err
	}
	after, err := d.note(ctx, d.maria, ledger.Training, "For me alone.")
	if err != nil {
		return nil, err
	}
	old, opened, err := d.tryWithOldKeys(ctx, his, after)
	if err != nil {
		return nil, err
	}
	if err := expect(old > 0 && !opened, "with his old keys Leo opens %d old records; the new one: %v", old, opened); err != nil {
		return nil, err
	}
	hers, err := d.maria.Book(ctx, d.maria.GID(), ledger.Training)
	if err != nil {
		return nil, err
	}
	until := d.clock.now().Add(30 * 24 * time.Hour)
	if err := hers.EditGrant(ctx, d.trainers.Term.ID, client.GrantEdit{Until: &until}); err != nil {
		return nil, err
	}
	read, _, err := d.readAll(ctx, d.leo, ledger.Training)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("nobody did anything: the gate refuses Leo, and his old keys open %d records of before and none written since", old),
		fmt.Sprintf("she renews the same grant for 30 days: he reads %d records", read),
	}, expect(read > old, "Leo reads %d records after the renewal, and could open %d before", read, old)
}
