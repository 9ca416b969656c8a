package disclosures

import (
	"database/sql"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
)

// Projection fills the tables of Disclosures.
type Projection struct{}

// Name implements projections.Projection.
func (Projection) Name() string { return "disclosures" }

// Schema implements projections.Projection.
func (Projection) Schema() string { return schema }

const schema = `
-- of a record that is erased nothing is kept
CREATE TABLE disclosure (  -- times are unix milliseconds, ids are bytes
	sequence    INTEGER PRIMARY KEY,
	patient     TEXT NOT NULL,
	gid         TEXT NOT NULL,
	operation   TEXT NOT NULL,
	compartment TEXT NOT NULL,
	session     BLOB,              -- NULL for refusals
	term        BLOB,
	at          INTEGER NOT NULL,
	ends        INTEGER NOT NULL,  -- 0 for refusals
	closed      INTEGER NOT NULL,
	refused     INTEGER NOT NULL,  -- how many times; 0 for a session
	reason      TEXT NOT NULL,
	how         TEXT NOT NULL      -- a How
);
CREATE INDEX disclosure_patient ON disclosure (patient, sequence);
CREATE UNIQUE INDEX disclosure_session ON disclosure (session);
CREATE TABLE special (     -- terms in force that are more than a grant
	patient     TEXT NOT NULL,
	compartment TEXT NOT NULL,
	term        BLOB NOT NULL,
	how         TEXT NOT NULL,
	PRIMARY KEY (patient, compartment, term)
) WITHOUT ROWID;
CREATE TABLE name (        -- of professionals
	gid       TEXT NOT NULL,
	authority TEXT NOT NULL,
	display   TEXT NOT NULL,
	PRIMARY KEY (gid, authority)
) WITHOUT ROWID;
`

// Apply implements projections.Projection.
func (Projection) Apply(tx *sql.Tx, e *ledger.Entry, at projections.Place) error {
	var err error
	switch b := e.Body.(type) {
	case *ledger.SessionOpened:
		_, err = tx.Exec(`INSERT INTO disclosure VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, '',
			coalesce((SELECT how FROM special WHERE patient = ?2 AND compartment = ?5 AND term = ?7), ''))`,
			at.Sequence, e.Chain.Owner, string(b.GID), string(b.Operation), string(b.Compartment), b.Session[:], b.Term[:],
			e.LogTime.UnixMilli(), b.Expires)
	case *ledger.SessionRenewed:
		_, err = tx.Exec(`UPDATE disclosure SET ends = ? WHERE session = ?`, b.Expires, b.Session[:])
	case *ledger.SessionClosed:
		// One that had expired before it was closed did not last longer for it.
		_, err = tx.Exec(`UPDATE disclosure SET closed = ?1 < ends, ends = min(ends, ?1), reason = ?2 WHERE session = ?3`,
			e.LogTime.UnixMilli(), b.Reason, b.Session[:])
	case *ledger.SessionRefused:
		_, err = tx.Exec(`INSERT INTO disclosure VALUES (?, ?, ?, ?, ?, NULL, NULL, ?, 0, 0, ?, ?, '')`,
			at.Sequence, e.Chain.Owner, string(b.GID), string(b.Operation), string(b.Compartment), e.LogTime.UnixMilli(),
			b.Count, b.Reason)
	case *ledger.PolicySet:
		err = keepSpecial(tx, e.Chain, b.Terms)
	case *ledger.CompartmentErased:
		err = keepSpecial(tx, e.Chain, nil)
	case *ledger.PatientErased:
		_, err = tx.Exec(`DELETE FROM disclosure WHERE patient = ?`, e.Chain.Owner)
	case *ledger.RepresentativeEnrolled:
		if b.Display == "" {
			return nil
		}
		_, err = tx.Exec(`INSERT INTO name VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET display = excluded.display`,
			string(b.GID), e.Chain.Owner, b.Display)
	}
	return err
}

// keepSpecial keeps those of a compartment's terms that are more than a grant, and no others.
func keepSpecial(tx *sql.Tx, c ledger.Chain, terms []ledger.Term) error {
	if _, err := tx.Exec(`DELETE FROM special WHERE patient = ? AND compartment = ?`, c.Owner, string(c.Compartment)); err != nil {
		return err
	}
	for i := range terms {
		how := howBy(&terms[i])
		if how == ByGrant {
			continue
		}
		_, err := tx.Exec(`INSERT INTO special VALUES (?, ?, ?, ?)`, c.Owner, string(c.Compartment), terms[i].ID[:], string(how))
		if err != nil {
			return err
		}
	}
	return nil
}

func howBy(t *ledger.Term) How {
	switch {
	case t.Emergency():
		return InEmergency
	case t.Proxy:
		return AsProxy
	}
	return ByGrant
}
