package main

import (
	"context"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart"
)

// recordList lists records.
func recordList(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	var q chart.Query
	fs.StringVar(&q.Type, "type", "", "`TYPE` of resource, such as Observation, or note")
	fs.StringVar(&q.Code, "code", "", "`CODE`, or SYSTEM|CODE")
	fs.StringVar(&q.Text, "text", "", "`TEXT` that it shows")
	since := fs.String("since", "", "`DATE` it happened on or after")
	until := fs.String("until", "", "`DATE` it happened on or before")
	author := fs.String("author", "", "`GID` of who wrote it")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	var err error
	if q.Since, q.Until, err = between(*since, *until); err != nil {
		return e.misused(err.Error())
	}
	if *author != "" {
		if q.Author, err = identity.ParseGID(*author); err != nil {
			return err
		}
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	folded, err := e.chart(ctx, c, t)
	if err != nil {
		return err
	}
	e.tellUnproven(c.Unproven())
	items := folded.List(q)
	if !strings.EqualFold(q.Type, client.CardMedia) {
		items = slices.DeleteFunc(items, func(i chart.Item) bool { return i.Latest.Class == client.CardMedia })
	}
	patient, err := t.gid(c)
	if err != nil {
		return err
	}
	return e.showItems(patient, items)
}

func (e *env) showItems(patient identity.GID, items []chart.Item) error {
	t := e.table("ID", "WHEN", "COMPARTMENT", "TYPE", "WHAT", "VALUE", "STATE")
	for _, item := range items {
		s := showItem(patient, &item)
		if err := t.row(s, string(s.ID), s.when(), s.Compartment, s.Type, clip(s.Display, 44), clip(s.Value, 28), s.state()); err != nil {
			return err
		}
	}
	return t.end("There are no such records.")
}
