package demo

import (
	"context"
	"fmt"
	"slices"

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

// narrow leaves trainers reading.
func (d *demo) narrow(ctx context.Context) ([]string, error) {
	b, err := d.maria.Book(ctx, d.maria.GID(), ledger.Training)
	if err != nil {
		return nil, err
	}
	write := false
	change, err := b.PlanEdit(ctx, d.trainers.Term.ID, client.GrantEdit{Write: &write})
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
	return []string{
		fmt.Sprintf("she leaves trainers reading: the preview says who loses what and starts epoch %d; Leo can't write any more, and reads %d records",
			shown.Epoch, read),
	}, err
}
