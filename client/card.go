package client

import (
	"context"
	"fmt"
	"slices"

	"github.com/phrledger/phr/projections/chart"
)

// CardMedia is the media class of a card: a record whose body is the patient's name as UTF-8 text, one in each compartment, so
// that whoever is let in knows whose it is.
const CardMedia = "card"

const maxName = 200 // bytes

// SetName puts the caller's name on a card in every compartment of their record, in place of another name if there is one.
func (c *Client) SetName(ctx context.Context, name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("a name has 1 to %d bytes", maxName)
	}
	books, err := c.Readable(ctx, c.GID())
	if err != nil {
		return err
	}
	for _, b := range books {
		before, err := b.card(ctx)
		if err != nil {
			return err
		}
		d := Draft{Kind: chart.Written, Media: CardMedia, Body: []byte(name)}
		if before != nil {
			if string(before.Latest.Body) == name {
				continue
			}
			d.Kind = chart.Amended
			if err := d.Refers.UnmarshalText([]byte(before.ID)); err != nil {
				return err
			}
		}
		if _, err := b.Write(ctx, []Draft{d}, nil); err != nil {
			return fmt.Errorf("writing the name: %w", err)
		}
	}
	return nil
}

// Name returns the patient's name as their card in the book gives it, "" if there is none. Only the patient's own word counts.
func (b *Book) Name(ctx context.Context) (string, error) {
	card, err := b.card(ctx)
	if err != nil || card == nil {
		return "", err
	}
	return string(card.Latest.Body), nil
}

// card returns the newest card by the patient, nil if there is none.
func (b *Book) card(ctx context.Context) (*chart.Item, error) {
	folded, err := Chart(ctx, b)
	if err != nil {
		return nil, err
	}
	cards := slices.DeleteFunc(folded.List(chart.Query{Type: CardMedia, Author: b.Patient(), Current: true}), func(i chart.Item) bool {
		return i.Latest.Unreadable != "" // it may be erased
	})
	if len(cards) == 0 {
		return nil, nil
	}
	return &cards[len(cards)-1], nil
}
