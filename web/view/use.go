package view

import (
	"cmp"
	"context"

	"github.com/phrledger/phr/client"
)

// use is what was made of a grant.
type use struct {
	sessions, live int
	last           client.Disclosure // that was opened last
}

// uses returns what was made of each grant on the caller's record.
func (v *View) uses(ctx context.Context) (map[string]*use, error) {
	a, err := v.config.Client.Accounting(ctx, client.AccountingQuery{})
	if err != nil {
		return nil, err
	}
	all := make(map[string]*use)
	for _, d := range a.Disclosures {
		if d.Grant == nil || d.Session.IsZero() {
			continue
		}
		u := all[d.Grant.ID.String()]
		if u == nil {
			u = new(use)
			all[d.Grant.ID.String()] = u
		}
		u.sessions++
		u.last = d
		if d.Open {
			u.live++
		}
	}
	return all, nil
}

// mark says of a grant how it was used, if it was.
func (u *use) mark(g *Grant) {
	if u == nil {
		return
	}
	g.LastOpened, g.LastBy, g.Live = moment(u.last.From), cmp.Or(u.last.Who.Name, string(u.last.Who.GID)), u.live
}
