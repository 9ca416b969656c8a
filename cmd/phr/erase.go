package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// beyond says what no erasure reaches.
const beyond = "Beyond reach is what others have kept by themselves: what they copied from their screen, and keys that a program other " +
	"than this one may have kept together with a copy of the log."

// erasing is what the verbs that erase have in common.
type erasing struct {
	e       *env
	patient string
	export  string
	yes     bool
	reason  string
}

func (e *env) erasing(fs *flag.FlagSet) *erasing {
	x := &erasing{e: e}
	fs.StringVar(&x.patient, "patient", "", "`ID` of the patient (yourself)")
	fs.StringVar(&x.export, "export", "", "`FILE` to write first: all that is about to go, as a FHIR Bundle")
	fs.BoolVar(&x.yes, "yes", false, "do not ask")
	return x
}

func (x *erasing) reasoned(fs *flag.FlagSet) {
	fs.StringVar(&x.reason, "reason", "", "`TEXT`: why, in clear, for everybody who reads the log")
}

// dial connects the patient, who alone erases.
func (x *erasing) dial(ctx context.Context) (*client.Client, error) {
	c, err := x.e.dial(ctx)
	if err != nil {
		return nil, err
	}
	if x.patient != "" && x.patient != string(c.GID()) {
		hangUp(c)
		return nil, &hinted{fmt.Errorf("erasing is for the patient %s alone", quote(x.patient)), "what you wrote by mistake, 'phr record retract' withdraws"}
	}
	return c, nil
}

// prepare exports what is about to go, if that is wanted, and makes sure that it is to go.
func (x *erasing) prepare(folded *chart.Chart, ids []chart.RecordID, what string) error {
	if err := x.offer(); err != nil {
		return err
	}
	if x.export != "" {
		if err := x.write(folded, ids); err != nil {
			return fmt.Errorf("nothing is erased: exporting: %w", err)
		}
	}
	if x.yes {
		return nil
	}
	if !isTerminal(x.e.stdin) {
		return &hinted{fmt.Errorf("nothing is erased: %s would go for good", what), "--yes says that it shall; --export FILE keeps a copy"}
	}
	x.e.note("This will go for good: %s. %s", strings.TrimSuffix(what, ","), beyond)
	answer, err := x.e.answer("Type erase to go on: ")
	if err != nil {
		return err
	}
	if answer != "erase" {
		return errors.New("nothing is erased: it was not confirmed")
	}
	return nil
}

// offer asks for a file to export to, where there is somebody to ask.
func (x *erasing) offer() error {
	if x.export != "" || x.yes || !isTerminal(x.e.stdin) {
		return nil
	}
	var err error
	x.export, err = x.e.answer("File to export it to first (empty for none): ")
	return err
}

func (x *erasing) write(folded *chart.Chart, ids []chart.RecordID) error {
	var written, unread int
	err := replaceFile(x.export, func(w io.Writer) (err error) {
		written, unread, err = client.ExportAll(w, folded, ids)
		return err
	})
	if err != nil {
		return err
	}
	text := plural(written, "entry") + " written to " + x.export
	if unread > 0 {
		text += fmt.Sprintf("; %s left out: not readable", thousands(unread))
	}
	x.e.note("%s", text)
	return nil
}

// recordErase destroys the keys of records.
func recordErase(ctx context.Context, e *env, args []string) error {
	fs := e.writing()
	x := e.erasing(fs)
	compartment := fs.String("compartment", "", "`NAME` of a compartment of the record")
	operands, err := e.parse(fs, args, 1, -1)
	if err != nil {
		return err
	}
	c, err := x.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.books(ctx, c, &target{compartment: *compartment})
	if err != nil {
		return err
	}
	folded, err := client.Chart(ctx, books...)
	if err != nil {
		return err
	}
	doomed, ids, err := pick(folded, operands)
	if err != nil {
		return err
	}
	if err := x.prepare(folded, ids, plural(len(ids), "record")+", with all versions and what was said when they were retracted,"); err != nil {
		return err
	}
	done, err := eraseFrom(ctx, books, doomed)
	if err != nil {
		return err
	}
	reached, err := e.reach(ctx, c)
	if err != nil {
		return err
	}
	return x.showErased(c.GID(), ids, done, reached)
}

// pick finds the records that ids name, by compartment.
func pick(folded *chart.Chart, operands []string) (map[string][]ledger.EventID, []chart.RecordID, error) {
	doomed := make(map[string][]ledger.EventID)
	var ids []chart.RecordID
	for _, operand := range operands {
		item, ok := folded.Item(chart.RecordID(operand))
		if !ok {
			return nil, nil, &hinted{fmt.Errorf("there is no record %s of yours", quote(operand)), "phr record list shows the ids"}
		}
		if slices.Contains(ids, item.ID) {
			continue
		}
		id, err := ledger.ParseEventID(string(item.ID))
		if err != nil {
			return nil, nil, err
		}
		doomed[item.Compartment], ids = append(doomed[item.Compartment], id), append(ids, item.ID)
	}
	return doomed, ids, nil
}

func eraseFrom(ctx context.Context, books []*client.Book, doomed map[string][]ledger.EventID) (*client.Erased, error) {
	all := new(client.Erased)
	for _, b := range books {
		ids := doomed[string(b.Compartment())]
		if len(ids) == 0 {
			continue
		}
		done, err := b.Erase(ctx, ids...)
		if err != nil {
			return nil, err
		}
		all.Records, all.Versions = all.Records+done.Records, all.Versions+done.Versions
		all.Epochs, all.Drafts = all.Epochs+done.Epochs, all.Drafts+done.Drafts
	}
	return all, nil
}

func (x *erasing) showErased(patient identity.GID, ids []chart.RecordID, done *client.Erased, reached client.Reached) error {
	if x.e.json {
		return x.e.emit(struct {
			Patient  identity.GID     `json:"patient"`
			IDs      []chart.RecordID `json:"ids"`
			Records  int              `json:"records"`
			Versions int              `json:"versions"`
			Epochs   int              `json:"epochs"`
			Drafts   int              `json:"drafts,omitempty"`
			Export   string           `json:"export,omitempty"`
			client.Reached
		}{patient, ids, done.Records, done.Versions, done.Epochs, done.Drafts, x.export, reached})
	}
	for _, id := range ids {
		x.e.say("%s", id)
	}
	if done.Versions == 0 {
		x.e.note("They were erased before.")
		return nil
	}
	x.e.note("%s erased, in %s: nobody opens them from the ledger any more. %s", plural(done.Versions, "version"), plural(done.Epochs, "epoch"), beyond)
	if done.Drafts > 0 {
		x.e.note("%s about them dropped, which had not been sent.", plural(done.Drafts, "draft"))
	}
	return nil
}

// compartmentErase destroys all keys of a compartment.
func compartmentErase(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	x := e.erasing(fs)
	x.reasoned(fs)
	names, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	name, err := ledger.ParseCompartment(names[0])
	if err != nil {
		return err
	}
	c, err := x.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return err
	}
	if err := x.prepareBooks(ctx, []*client.Book{b}, fmt.Sprintf("the compartment %s", name)); err != nil {
		return err
	}
	if err := c.EraseCompartment(ctx, name, x.reason); err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Patient     identity.GID       `json:"patient"`
			Compartment ledger.Compartment `json:"compartment"`
			Export      string             `json:"export,omitempty"`
		}{c.GID(), name, x.export})
	}
	e.say("%s", name)
	e.note("Erased: sessions on it end, and nobody opens anything of it from the ledger any more. %s", beyond)
	return nil
}

// prepareBooks is prepare for all that books hold. What is erased already needs none.
func (x *erasing) prepareBooks(ctx context.Context, books []*client.Book, what string) error {
	folded, err := client.Chart(ctx, books...)
	if errors.Is(err, client.ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	var ids []chart.RecordID
	for _, item := range folded.List(chart.Query{}) {
		ids = append(ids, item.ID)
	}
	live := slices.DeleteFunc(records(folded), func(i chart.Item) bool { return i.Latest.Unreadable == client.ErrErased.Error() })
	return x.prepare(folded, ids, fmt.Sprintf("%s, with %s,", what, plural(len(live), "record")))
}

// patientErase erases a whole record.
func patientErase(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	x := e.erasing(fs)
	x.reasoned(fs)
	revoke := fs.Bool("revoke-identity", false, "end the identity too: nothing signed by it counts from then on")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	e.direct = true // what the keystore holds of the record is erased too
	e.direct = true // the home itself is to forget the record, and an agent gives no key away
	c, err := x.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if erased, err := c.IsErased(ctx); err != nil {
		return err
	} else if !erased {
		books, err := c.Readable(ctx, c.GID())
		if err != nil && !errors.Is(err, client.ErrNotShared) { // without a compartment there is a record all the same
			return err
		}
		if err := x.prepareBooks(ctx, books, "your whole record"); err != nil {
			return err
		}
	}
	if err := c.ErasePatient(ctx, client.EraseRequest{Reason: x.reason, Revoke: *revoke}); err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Patient identity.GID `json:"patient"`
			Revoked bool         `json:"revoked"`
			Export  string       `json:"export,omitempty"`
		}{c.GID(), *revoke, x.export})
	}
	e.say("%s", c.GID())
	e.note("The record is erased: nobody opens anything of it from the ledger any more, and nobody is let in. The log still says that there was "+
		"one, when something was written and who looked. %s", beyond)
	if *revoke {
		e.note("The identity is revoked. Its home is of no more use: delete it.")
	}
	return nil
}
