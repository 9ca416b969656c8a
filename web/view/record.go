package view

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// maxShown bounds the text of a record that is shown, in bytes.
const maxShown = 1 << 20

// find returns a record that is open to the caller, and its volume. The caller holds s.mu.
func (s *shelf) find(id string) (*chart.Item, *volume, error) {
	for _, o := range s.volumes {
		if item, ok := o.chart.Item(chart.RecordID(id)); ok && !o.hides(&item) {
			return &item, o, nil
		}
	}
	return nil, nil, &Error{Code: CodeSealed, Message: "There is no such record that you can open."}
}

// Record returns a record in full.
func (v *View) Record(ctx context.Context, args RecordQuery) (Record, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	item, o, err := s.find(args.ID)
	if err != nil {
		s.mu.Unlock()
		return Record{}, err
	}
	if item.Latest.Unreadable == client.ErrErased.Error() {
		s.mu.Unlock()
		return Record{}, client.ErrErased
	}
	r := Record{
		Row: o.row(item), Patient: v.person(s.patient), Media: item.Latest.Class, History: []Version{}, MayWrite: s.writes(o), MayErase: s.own(),
	}
	for _, version := range o.chart.History(item.ID) {
		r.History = append(r.History, v.version(&version))
	}
	s.mu.Unlock()
	if err := r.fill(&item.Latest); err != nil {
		return Record{}, err
	}
	r.Signature, err = v.signature(ctx, o.book, string(item.Latest.ID))
	return r, err
}

func (v *View) version(c *chart.Version) Version {
	return Version{
		ID: string(c.ID), Kind: string(c.Kind), By: v.person(c.Author), Acting: c.Acting, Time: c.Time.UTC(), Title: title(c), Text: fhir.Clip(c.Text, maxShown),
	}
}

// fill adds the content.
func (r *Record) fill(v *chart.Version) (err error) {
	r.Fields = []Field{}
	r.Text = fhir.Clip(v.Text, maxShown)
	if v.Unreadable != "" || v.Class != chart.FHIR {
		return nil
	}
	if r.Fields, err = fields(&v.Resource); err != nil {
		return err
	}
	indented := new(bytes.Buffer)
	if err := json.Indent(indented, v.Resource.Raw, "", "  "); err != nil {
		return err
	}
	r.Source = indented.String()
	r.attach(fhir.Attachment(v.Resource.Raw))
	return nil
}

// attach adds what a resource carries: an image, if its bytes say so, whatever the resource says; or text.
func (r *Record) attach(content []byte) {
	kind := imageType(content)
	switch {
	case kind != "":
		r.Image, r.ImageType = content, kind
	case utf8.Valid(content) && bytes.IndexByte(content, 0) < 0:
		r.Text = fhir.Clip(string(content), maxShown)
	}
}

// imageType tells by its first bytes whether content is an image that browsers show and nothing else: none that holds programs.
func imageType(content []byte) string {
	switch {
	case bytes.HasPrefix(content, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(content, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	}
	return ""
}

// signature says how well an event is vouched for: its signature and its place on the chain were checked when it was read, or it would
// not be here. While the node is away, or has not sealed it yet, it says less.
func (v *View) signature(ctx context.Context, b *client.Book, event string) (Signature, error) {
	id, err := ledger.ParseEventID(event)
	if err != nil {
		return Signature{}, err
	}
	at, epoch, err := b.Place(ctx, id)
	if err != nil {
		return Signature{}, err
	}
	sig := Signature{Valid: true, Level: string(client.Accepted), Event: event, Hash: at.Hash.String(), Number: at.Number, Epoch: epoch}
	proof, err := b.Prove(ctx, id)
	if err != nil && unproved(err) {
		return sig, nil
	}
	if err != nil {
		return sig, err
	}
	sig.Level, sig.Leaf = string(client.Sealed), proof.Proof.Index
	witnessed, err := v.config.Client.IsWitnessed(ctx, proof.Proof.Index)
	if witnessed {
		sig.Level = string(client.Witnessed)
	}
	return sig, passable(err)
}

// unproved tells whether an error means that there is no proof at present, and nothing worse.
func unproved(err error) bool {
	code := errorOf(err).Code
	return code == CodeOther || code == CodeOffline || code == CodeUnproven
}

// RecordProof returns the proof that a record is sealed in the log, as C2SP tlog-proof writes it.
func (v *View) RecordProof(ctx context.Context, args RecordQuery) (Download, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Download{}, err
	}
	s.mu.Lock()
	item, o, err := s.find(args.ID)
	s.mu.Unlock()
	if err != nil {
		return Download{}, err
	}
	id, err := ledger.ParseEventID(string(item.Latest.ID))
	if err != nil {
		return Download{}, err
	}
	proof, err := o.book.Prove(ctx, id)
	if err != nil {
		return Download{}, err
	}
	return Download{Name: fmt.Sprintf("%s.tlog-proof", id), Media: "text/plain", Bytes: proof.Proof.Marshal()}, nil
}
