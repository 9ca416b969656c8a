package directory

import (
	"database/sql"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections"
)

// Projection fills the tables of a Directory.
type Projection struct{}

// Name implements projections.Projection.
func (Projection) Name() string { return "directory" }

// Schema implements projections.Projection.
func (Projection) Schema() string { return schema }

const schema = `
-- erasing drops what was kept of a record
CREATE TABLE fact (           -- entries that prove something
	sequence INTEGER PRIMARY KEY,
	count    INTEGER NOT NULL,  -- among the control entries; 0 for one of a profile
	about    TEXT,              -- id.<gid>, auth.<name> or node; NULL for a registration not endorsed
	author   TEXT NOT NULL,
	event    BLOB NOT NULL,
	entry    BLOB NOT NULL
);
CREATE INDEX fact_about ON fact (about, sequence);
CREATE INDEX fact_event ON fact (event);
CREATE TABLE node (
	gid TEXT PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE authority (      -- names that are given
	name         TEXT PRIMARY KEY,
	founder      TEXT NOT NULL, -- empty while the registry's registration is announced only
	registration BLOB NOT NULL  -- event hash
) WITHOUT ROWID;
CREATE TABLE head (           -- what each authority has said last of where its chain ends
	name     TEXT PRIMARY KEY,
	sequence INTEGER NOT NULL,
	count    INTEGER NOT NULL,  -- among the control entries
	entry    BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE issued (         -- attribute keys
	sequence  INTEGER PRIMARY KEY,
	gid       TEXT NOT NULL,
	attribute TEXT NOT NULL,
	entry     BLOB NOT NULL
);
CREATE INDEX issued_gid ON issued (gid, sequence);
CREATE TABLE enrolled (       -- whom authorities took in
	sequence INTEGER PRIMARY KEY,
	gid      TEXT NOT NULL,
	entry    BLOB NOT NULL
);
CREATE INDEX enrolled_gid ON enrolled (gid, sequence);
CREATE TABLE holding (        -- who was issued which attribute and not removed
	gid       TEXT NOT NULL,
	attribute TEXT NOT NULL,
	PRIMARY KEY (gid, attribute)
) WITHOUT ROWID;
CREATE TABLE escrow (         -- what recovered people start from
	sequence INTEGER PRIMARY KEY,
	count    INTEGER NOT NULL,  -- among the control entries
	gid      TEXT NOT NULL,
	entry    BLOB NOT NULL
);
CREATE INDEX escrow_gid ON escrow (gid, sequence);
CREATE TABLE policy (         -- the policy.set in force
	chain TEXT PRIMARY KEY,
	entry BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE term (           -- its terms, by the attributes in their expressions
	attribute TEXT NOT NULL,
	chain     TEXT NOT NULL,
	term      TEXT NOT NULL,
	PRIMARY KEY (attribute, chain, term)
) WITHOUT ROWID;
CREATE INDEX term_chain ON term (chain);
`

// Apply implements projections.Projection.
func (Projection) Apply(tx *sql.Tx, e *ledger.Entry, at projections.Place) error {
	f := fold{tx, e, at}
	switch b := e.Body.(type) {
	case *ledger.IdentityRegistered, *ledger.IdentityRotated, *ledger.IdentityRevoked, *ledger.RecoveryRequested, *ledger.RecoveryVetoed,
		*ledger.PatientRegistered:
		return f.fact(personal(e.Author))
	case *ledger.IdentityEscrowed:
		return f.escrowed()
	case *ledger.NodeDescribed:
		return f.node(b)
	case *ledger.AuthorityRegistered:
		return f.registered(b)
	case *ledger.AuthorityEndorsed:
		return f.endorsed(b)
	case *ledger.AuthoritySuspended:
		return f.fact(authoritative(b.Name))
	case *ledger.AttributeDefined, *ledger.AttributeVersioned:
		return f.fact(authoritative(e.Chain.Authority()))
	case *ledger.AuthorityHead:
		return f.head()
	case *ledger.RepresentativeEnrolled:
		return f.enrolled(b)
	case *ledger.RepresentativeRemoved:
		return f.removed(b)
	case *ledger.KeyIssued:
		return f.issued(b)
	case *ledger.PolicySet:
		return f.policy(b)
	case *ledger.CompartmentErased:
		return f.dropChains(e.Chain.String())
	case *ledger.PatientErased:
		return f.patientErased()
	}
	return nil
}

// fold applies one entry.
type fold struct {
	tx *sql.Tx
	e  *ledger.Entry
	at projections.Place
}

func (f *fold) exec(query string, args ...any) error {
	_, err := f.tx.Exec(query, args...)
	return err
}

// fact keeps the entry as evidence.
func (f *fold) fact(about string) error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	return f.exec(`INSERT INTO fact VALUES (?, ?, nullif(?, ''), ?, ?, ?)`,
		f.at.Sequence, f.at.Count, about, string(f.e.Author), f.e.Hash[:], entry)
}

// node keeps a description. The first one gives the registry's name to a registration that comes after it.
func (f *fold) node(b *ledger.NodeDescribed) error {
	if !b.Registry.IsZero() {
		err := f.exec(`INSERT INTO authority VALUES ('phr', '', ?) ON CONFLICT DO NOTHING`, b.Registry[:])
		if err != nil {
			return err
		}
	}
	if err := f.exec(`INSERT INTO node VALUES (?) ON CONFLICT DO NOTHING`, string(f.e.Chain.GID())); err != nil {
		return err
	}
	return f.fact(nodal)
}

// registered keeps a registration: of the registry, if it is the one announced, or else until it is endorsed.
func (f *fold) registered(b *ledger.AuthorityRegistered) error {
	announced, err := f.announced(b)
	if err != nil {
		return err
	}
	if !announced {
		return f.fact("")
	}
	if err := f.give(b.Name, f.e.Author, f.e.Hash); err != nil {
		return err
	}
	return f.fact(authoritative(b.Name))
}

func (f *fold) announced(b *ledger.AuthorityRegistered) (bool, error) {
	var n int
	err := f.tx.QueryRow(`SELECT count(*) FROM authority WHERE name = ? AND founder = '' AND registration = ?`,
		string(b.Name), f.e.Hash[:]).Scan(&n)
	return n > 0, err
}

func (f *fold) endorsed(b *ledger.AuthorityEndorsed) error {
	about := authoritative(b.Name)
	if err := f.exec(`UPDATE fact SET about = ? WHERE event = ?`, about, b.Registration[:]); err != nil {
		return err
	}
	if err := f.give(b.Name, b.Founder, b.Registration); err != nil {
		return err
	}
	return f.fact(about)
}

// give gives a name to a founder.
func (f *fold) give(name policy.Authority, founder identity.GID, registration ledger.Hash) error {
	return f.exec(`INSERT INTO authority VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET founder = excluded.founder, registration = excluded.registration`,
		string(name), string(founder), registration[:])
}

// escrowed keeps an escrow: the newest ones are what a person who lost everything starts from.
func (f *fold) escrowed() error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	return f.exec(`INSERT INTO escrow VALUES (?, ?, ?, ?)`, f.at.Sequence, f.at.Count, string(f.e.Author), entry)
}

// head keeps an authority's head in the place of the one before: it shows how lately the authority was heard of.
func (f *fold) head() error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	return f.exec(`INSERT INTO head VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET sequence = excluded.sequence, count = excluded.count, entry = excluded.entry`,
		string(f.e.Chain.Authority()), f.at.Sequence, f.at.Count, entry)
}

func (f *fold) attribute(name string) string {
	return policy.Attribute{Name: name, Authority: f.e.Chain.Authority()}.String()
}

func (f *fold) issued(b *ledger.KeyIssued) error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	attribute := f.attribute(b.Attribute)
	err = f.exec(`INSERT INTO issued VALUES (?, ?, ?, ?)`, f.at.Sequence, string(b.GID), attribute, entry)
	if err != nil {
		return err
	}
	return f.exec(`INSERT INTO holding VALUES (?, ?) ON CONFLICT DO NOTHING`, string(b.GID), attribute)
}

func (f *fold) enrolled(b *ledger.RepresentativeEnrolled) error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	return f.exec(`INSERT INTO enrolled VALUES (?, ?, ?)`, f.at.Sequence, string(b.GID), entry)
}

func (f *fold) removed(b *ledger.RepresentativeRemoved) error {
	for _, name := range b.Attributes {
		err := f.exec(`DELETE FROM holding WHERE gid = ? AND attribute = ?`, string(b.GID), f.attribute(name))
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fold) policy(b *ledger.PolicySet) error {
	entry, err := f.e.Marshal()
	if err != nil {
		return err
	}
	chain := f.e.Chain.String()
	err = f.exec(`INSERT INTO policy VALUES (?, ?) ON CONFLICT DO UPDATE SET entry = excluded.entry`, chain, entry)
	if err != nil {
		return err
	}
	if err := f.exec(`DELETE FROM term WHERE chain = ?`, chain); err != nil {
		return err
	}
	for _, t := range b.Terms {
		if err := f.term(chain, t); err != nil {
			return err
		}
	}
	return nil
}

// dropChains forgets the policies of chains whose names match a pattern.
func (f *fold) dropChains(pattern string) error {
	if err := f.exec(`DELETE FROM policy WHERE chain GLOB ?`, pattern); err != nil {
		return err
	}
	return f.exec(`DELETE FROM term WHERE chain GLOB ?`, pattern)
}

// patientErased forgets what a person was as a patient, all but that they are none any more.
func (f *fold) patientErased() error {
	own := "*@" + f.e.Chain.Owner
	if err := f.dropChains(ledger.RecordChain(f.e.Author, "*").String()); err != nil {
		return err
	}
	for _, table := range []string{"issued", "holding"} {
		if err := f.exec(`DELETE FROM `+table+` WHERE attribute GLOB ?`, own); err != nil {
			return err
		}
	}
	// Entries of profiles have no count.
	if err := f.exec(`DELETE FROM fact WHERE about = ? AND count = 0`, personal(f.e.Author)); err != nil {
		return err
	}
	return f.fact(personal(f.e.Author))
}

func (f *fold) term(chain string, t ledger.Term) error {
	p, err := policy.Parse(t.Expression)
	if err != nil {
		return err
	}
	for _, a := range p.Attributes() {
		if err := f.exec(`INSERT INTO term VALUES (?, ?, ?)`, a.String(), chain, t.ID.String()); err != nil {
			return err
		}
	}
	return nil
}
