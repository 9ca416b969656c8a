package demo

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	stdbytes "bytes"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

// record is what Maria imported.
type record struct {
	plan     client.Plan
	plain    int64           // bytes of the resources
	canaries []string        // words of the record that must not occur in what the server holds
	grant    *client.Granted // to doctors
	trainers *client.Granted
}

func (d *demo) importRecord(ctx context.Context) ([]string, error) {
	source := "her sample record"
	if len(d.Data) == 0 {
		if err := d.plan.Add("sample", stdbytes.NewReader(sample.Bundle()), ""); err != nil {
			return nil, err
		}
	}
	for _, path := range d.Data {
		source = fmt.Sprintf("%d of your files", len(d.Data))
		if err := d.plan.AddFile(path, ""); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	lines := []string{}
	for _, name := range d.compartments() {
		drafts := d.plan.Drafts[name]
		for _, draft := range drafts {
			d.plain += int64(len(draft.Body))
			d.canaries = append(d.canaries, words(draft.Body)...)
		}
		book, err := d.maria.Book(ctx, d.maria.GID(), name)
		if err != nil {
			return nil, err
		}
		ids, err := book.Write(ctx, drafts, nil)
		if err != nil {
			return nil, err
		}
		if err := expect(len(ids) == len(drafts), "%d of %d records were written", len(ids), len(drafts)); err != nil {
			return nil, err
		}
		lines = append(lines, fmt.Sprintf("%d resources sealed, signed and on disk in %s", len(drafts), name))
	}
	took := time.Since(start)
	return append([]string{fmt.Sprintf("%s: %d resources, %s, in %s: %.0f records a second", source, d.plan.Total, bytes(d.plain),
		round(took), float64(d.plan.Total)/took.Seconds())}, lines...), nil
}

func (d *demo) compartments() []ledger.Compartment {
	var names []ledger.Compartment
	for name := range d.plan.Drafts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// words picks strings out of a resource that occur nowhere else: what a search of the server's disk would look for.
func words(body []byte) []string {
	const most = 8
	var all []string
	for i, w := range strings.Split(string(body), `"`) {
		distinct := len(w) >= 16 && len(w) <= 64 && !strings.Contains(w, "://") && strings.ContainsAny(w, "0123456789 ")
		if i%2 == 1 && distinct && len(all) < most {
			all = append(all, w)
		}
	}
	return all
}

func (d *demo) chartOf(ctx context.Context, p *person, names ...ledger.Compartment) (*chart.Chart, error) {
	var books []*client.Book
	for _, name := range names {
		b, err := p.Book(ctx, d.maria.GID(), name)
		if err != nil {
			return nil, err
		}
		books = append(books, b)
	}
	return client.Chart(ctx, books...)
}

func (d *demo) mariaReads(ctx context.Context) ([]string, error) {
	start := time.Now()
	folded, err := d.chartOf(ctx, d.maria, d.compartments()...)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	items := folded.List(chart.Query{})
	unreadable := 0
	for _, item := range items {
		if item.Latest.Unreadable != "" {
			unreadable++
		}
	}
	if err := expect(len(items) == d.plan.Total && unreadable == 0, "%d of %d records came back, %d of them unreadable", len(items),
		d.plan.Total, unreadable); err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("%d records fetched, verified, opened and folded in %s, with no attribute-based decryption: the keys are hers",
		len(items), round(took))}
	var counts []string
	for _, s := range folded.Series("") {
		if len(s.Points) > 2 && len(counts) < 4 {
			last := s.Points[len(s.Points)-1]
			counts = append(counts, fmt.Sprintf("%s %s %s (of %d)", s.Display, last.Text, s.Unit, len(s.Points)))
		}
	}
	if len(counts) > 0 {
		lines = append(lines, "newest measurements: "+strings.Join(counts, ", "))
	}
	return append(lines, fmt.Sprintf("%d problems and %d medications are current", len(folded.Problems()), len(folded.Medications()))), nil
}

// serverHolds searches everything the node has on disk.
func (d *demo) serverHolds(context.Context) ([]string, error) {
	slices.Sort(d.canaries)
	d.canaries = slices.Compact(d.canaries)
	if err := expect(len(d.canaries) > 0, "the record has no words to look for"); err != nil {
		return nil, err
	}
	secrets := [][]byte{d.maria.Home().Identity().Bytes(), d.ruiz.Home().Identity().Bytes()}
	var total int64
	var files int
	err := filepath.WalkDir(d.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		contents, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		total += int64(len(contents))
		for _, w := range d.canaries {
			if err := expect(!stdbytes.Contains(contents, []byte(w)), "%s holds the word %q of the record", path, w); err != nil {
				return err
			}
		}
		for _, s := range secrets {
			if err := expect(!stdbytes.Contains(contents, s), "%s holds a person's keys", path); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s in %d files, searched for %d words of the record and for people's keys: none is there", bytes(total), files, len(d.canaries)),
		"it sees who, when, which compartment and a padded size; bodies are AES-256-GCM under keys it never had",
	}, nil
}

// note writes a note into a compartment of Maria's record.
func (d *demo) note(ctx context.Context, p *person, name ledger.Compartment, text string) (ledger.EventID, error) {
	b, err := p.Book(ctx, d.maria.GID(), name)
	if err != nil {
		return ledger.EventID{}, err
	}
	ids, err := b.Write(ctx, []client.Draft{{Kind: chart.Written, Media: chart.Note, Body: []byte(text)}}, nil)
	if err != nil {
		return ledger.EventID{}, err
	}
	return ids[0], nil
}

// sees tells whether a person reads a record, and who wrote it.
func (d *demo) sees(ctx context.Context, p *person, name ledger.Compartment, id ledger.EventID) (identity.GID, bool, error) {
	folded, err := d.chartOf(ctx, p, name)
	if err != nil {
		return "", false, err
	}
	item, ok := folded.Item(chart.RecordID(id.String()))
	return item.Latest.Author, ok && item.Latest.Unreadable == "", nil
}

// share lets somebody into one of Maria's compartments.
func (d *demo) share(ctx context.Context, name ledger.Compartment, r client.GrantRequest) (*client.Granted, error) {
	b, err := d.maria.Book(ctx, d.maria.GID(), name)
	if err != nil {
		return nil, err
	}
	return b.Grant(ctx, r)
}
