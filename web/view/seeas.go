package view

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// SeeAsQuery asks what somebody sees.
type SeeAsQuery struct {
	As string `json:"as"` // a GID, or attributes joined by and
}

// SeeAs is a record as somebody else would see it.
type SeeAs struct {
	Open   []string `json:"open"`
	Write  []string `json:"write"`
	Rows   []Row    `json:"rows"`
	Trends []Trend  `json:"trends"`
	Sealed []Sealed `json:"sealed"`
	Lacks  []string `json:"lacks,omitempty"` // attributes that would let them into more
}

// SeeAs shows the caller's record as somebody else sees it: what they can open, by the keys that their grants give them.
func (v *View) SeeAs(ctx context.Context, args SeeAsQuery) (SeeAs, error) {
	s := SeeAs{Open: []string{}, Write: []string{}, Rows: []Row{}, Trends: []Trend{}, Sealed: []Sealed{}}
	as := strings.TrimPrefix(strings.TrimSpace(args.As), "gid:")
	if as == "" || as == string(v.config.Client.GID()) {
		return s, misused("say as who else: you can open all of it")
	}
	books, err := v.ownBooks(ctx)
	if err != nil {
		return s, err
	}
	theirs := &shelf{v: v, patient: v.config.Client.GID()}
	for _, b := range books {
		x, err := b.Explain(ctx, as)
		if err != nil {
			return s, err
		}
		o, err := v.volumeAs(ctx, theirs, b, x)
		if err != nil {
			return s, err
		}
		if err := v.addBook(ctx, &s, b, x, as); err != nil {
			return s, err
		}
		if o != nil {
			theirs.volumes = append(theirs.volumes, o)
		}
	}
	theirs.mu.Lock()
	defer theirs.mu.Unlock()
	for _, row := range theirs.list() {
		s.Rows = append(s.Rows, row.Row)
	}
	s.Trends = theirs.trends()
	return s, nil
}

// volumeAs opens a compartment as far as the terms that let somebody in open it; nil if none does.
func (v *View) volumeAs(ctx context.Context, theirs *shelf, b *client.Book, x *client.Explanation) (*volume, error) {
	var ids []ledger.TermID
	for _, t := range x.Terms {
		if t.MayRead {
			ids = append(ids, t.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	records, err := b.RecordsOf(ctx, ids...)
	if err != nil {
		return nil, err
	}
	v.learnAuthors(ctx, records)
	o := &volume{shelf: theirs, book: b, chart: chart.New(), partial: true}
	for _, r := range records {
		if err := o.chart.Apply(r); err != nil {
			return nil, err
		}
		o.seen = max(o.seen, r.Number)
	}
	return o, nil
}

// addBook says whether somebody can open a compartment, or why not, and what they would need.
func (v *View) addBook(ctx context.Context, s *SeeAs, b *client.Book, x *client.Explanation, as string) error {
	name := string(b.Compartment())
	grants, err := b.Grants(ctx)
	if err != nil {
		return err
	}
	reads, writes, all := false, false, false
	for _, t := range x.Terms {
		reads, writes, all = reads || t.MayRead, writes || t.MayWrite, all || t.MayRead && t.History
		if !t.MayRead {
			s.lack(&t)
		}
	}
	if writes {
		s.Write = append(s.Write, name)
	}
	switch {
	case !reads:
		s.Sealed = append(s.Sealed, sealedTo(name, b.Patient(), grants, x, as))
	case !all:
		s.Open = append(s.Open, name)
		s.Sealed = append(s.Sealed, Sealed{Compartment: name, Why: "from-now", Since: since(grants, x)})
	default:
		s.Open = append(s.Open, name)
	}
	return nil
}

// since returns when the first of the grants that let somebody in was made.
func since(grants []client.Basis, x *client.Explanation) Time {
	for _, g := range grants {
		if slices.ContainsFunc(x.Terms, func(t client.ExplainedTerm) bool { return t.ID == g.ID && t.MayRead }) {
			return moment(g.Granted)
		}
	}
	return nil
}

// sealedTo says why somebody can't open a compartment: by the newest grant that once let them in, if one did.
func sealedTo(name string, patient identity.GID, grants []client.Basis, x *client.Explanation, as string) Sealed {
	held := attributesOf(as)
	for _, t := range x.Terms {
		if t.Satisfied {
			held = append(held, t.Held...)
		}
	}
	seal := Sealed{Compartment: name, Why: "never"}
	for _, g := range slices.Backward(grants) {
		if in, err := g.Satisfied(patient, held...); err != nil || !in || g.Emergency() {
			continue
		}
		switch {
		case !g.Revoked.IsZero():
			seal.Why, seal.Since = "revoked", moment(g.Revoked)
		case g.Until != 0:
			seal.Why, seal.Since = "ended", moment(time.UnixMilli(g.Until))
		default:
			continue
		}
		break
	}
	return seal
}

// attributesOf returns the attributes of one who is named as for Explain: of a person, that they are this one.
func attributesOf(as string) []policy.Attribute {
	if gid, err := identity.ParseGID(as); err == nil {
		return []policy.Attribute{client.PersonAttribute(gid)}
	}
	p, err := policy.Parse(as)
	if err != nil {
		return nil
	}
	return p.Attributes()
}

// lack adds what a term in force asks for that somebody does not have. That they are another person they can't change.
func (s *SeeAs) lack(t *client.ExplainedTerm) {
	if t.Ended || t.Emergency() {
		return
	}
	for _, set := range t.Missing {
		var texts []string
		for _, a := range set {
			texts = append(texts, a.String())
		}
		person := slices.ContainsFunc(set, func(a policy.Attribute) bool { return a.Authority.IsGID() })
		if text := strings.Join(texts, " and "); !person && !slices.Contains(s.Lacks, text) {
			s.Lacks = append(s.Lacks, text)
		}
	}
}
