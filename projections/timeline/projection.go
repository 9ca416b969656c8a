package timeline

import (
	"database/sql"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
)

// Projection fills the tables of a Timeline.
type Projection struct{}

// Name implements projections.Projection.
func (Projection) Name() string { return "timeline" }

// Schema implements projections.Projection.
func (Projection) Schema() string { return schema }

const schema = `
-- what is erased as a whole is dropped
CREATE TABLE line (        -- times are unix milliseconds, ids are bytes and empty if there is none
	sequence    INTEGER PRIMARY KEY,
	patient     TEXT NOT NULL,
	compartment TEXT NOT NULL,
	number      INTEGER NOT NULL,
	event       BLOB NOT NULL,
	kind        TEXT NOT NULL,
	author      TEXT NOT NULL,
	session     BLOB NOT NULL,
	logged      INTEGER NOT NULL,
	claimed     INTEGER NOT NULL,
	epoch       INTEGER NOT NULL,
	media       TEXT NOT NULL,
	bucket      INTEGER NOT NULL,
	refers      BLOB NOT NULL,
	acting      BLOB NOT NULL, -- the term by which the author acted for the patient
	erased      INTEGER NOT NULL
);
CREATE INDEX line_patient ON line (patient, sequence);
CREATE INDEX line_compartment ON line (patient, compartment, sequence);
CREATE UNIQUE INDEX line_event ON line (patient, compartment, event);
CREATE TABLE volume (      -- what a compartment amounts to
	patient     TEXT NOT NULL,
	compartment TEXT NOT NULL,
	events      INTEGER NOT NULL,
	records     INTEGER NOT NULL,
	bytes       INTEGER NOT NULL,
	erased      INTEGER NOT NULL,
	epoch       INTEGER NOT NULL,
	newest      INTEGER NOT NULL,
	PRIMARY KEY (patient, compartment)
) WITHOUT ROWID;
`

// Apply implements projections.Projection.
func (Projection) Apply(tx *sql.Tx, e *ledger.Entry, at projections.Place) error {
	if e.Chain.Space != ledger.RecordSpace || e.Chain.Compartment == ledger.Access {
		return nil // who looked is told by package disclosures
	}
	if err := drop(tx, e); err != nil {
		return err
	}
	s := summarise(e.Body)
	if err := insertLine(tx, e, at, &s); err != nil {
		return err
	}
	for _, id := range s.erases {
		_, err := tx.Exec(`UPDATE line SET erased = 1 WHERE patient = ? AND compartment = ? AND event = ?`,
			e.Chain.Owner, string(e.Chain.Compartment), id[:])
		if err != nil {
			return err
		}
	}
	return addVolume(tx, e, &s)
}

// drop forgets what was said of a compartment or a record that is erased: what is left to see is that it is.
func drop(tx *sql.Tx, e *ledger.Entry) error {
	compartment := string(e.Chain.Compartment)
	switch e.Body.(type) {
	case *ledger.CompartmentErased:
	case *ledger.PatientErased:
		compartment = "*"
	default:
		return nil
	}
	for _, table := range []string{"line", "volume"} {
		_, err := tx.Exec(`DELETE FROM `+table+` WHERE patient = ? AND compartment GLOB ?`, e.Chain.Owner, compartment)
		if err != nil {
			return err
		}
	}
	return nil
}

// summary is what a body shows in clear.
type summary struct {
	content ledger.Content // without what is sealed
	records int            // 1 for a record
	started uint32         // the epoch that begins
	refers  ledger.EventID
	erases  []ledger.EventID
}

func summarise(b ledger.Body) (s summary) {
	switch b := b.(type) {
	case *ledger.RecordWritten:
		s.records, s.content = 1, b.Content
	case *ledger.RecordAmended:
		s.records, s.content, s.refers = 1, b.Content, b.Refers
	case *ledger.RecordRetracted:
		s.records, s.content, s.refers = 1, b.Content, b.Refers
	case *ledger.RecordErased:
		s.content.Epoch, s.erases = b.Epoch, b.Records
	case *ledger.EpochStarted:
		s.content.Epoch, s.started = b.Epoch, b.Epoch
	case *ledger.EpochRewrapped:
		s.content.Epoch = b.Epoch
	case *ledger.EpochConfirmed:
		s.content.Epoch = b.Epoch
	case *ledger.EpochDisputed:
		s.content.Epoch = b.Epoch
	}
	return s
}

func insertLine(tx *sql.Tx, e *ledger.Entry, at projections.Place, s *summary) error {
	_, err := tx.Exec(`INSERT INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)`,
		at.Sequence, e.Chain.Owner, string(e.Chain.Compartment), e.Number, e.ID[:], string(e.Kind()), string(e.Author),
		bytesOf(e.Session), e.LogTime.UnixMilli(), e.Time.UnixMilli(), s.content.Epoch, s.content.Media, s.content.Bucket,
		bytesOf(s.refers), bytesOf(e.Acting()))
	return err
}

func addVolume(tx *sql.Tx, e *ledger.Entry, s *summary) error {
	_, err := tx.Exec(`INSERT INTO volume VALUES (?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
		events = events + 1, records = records + excluded.records, bytes = bytes + excluded.bytes,
		erased = erased + excluded.erased, epoch = max(epoch, excluded.epoch), newest = max(newest, excluded.newest)`,
		e.Chain.Owner, string(e.Chain.Compartment), s.records, s.content.Bucket, len(s.erases), s.started, e.LogTime.UnixMilli())
	return err
}

// bytesOf returns an id as the tables hold it.
func bytesOf[thing any](id ledger.ID[thing]) []byte {
	if id.IsZero() {
		return []byte{}
	}
	return id[:]
}
