// Package directory answers who is who: the keys of people and patients, authorities with their attributes, the attribute
// keys issued to somebody, and the grants that reach them.
//
// It answers with the signed entries themselves. Whoever asks learns them into a ledger.State of their own and needs to
// trust the directory for nothing but completeness.
package directory

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Directory answers queries from the tables of a Projection. It is safe for concurrent use.
type Directory struct {
	db *sql.DB
}

// New returns the directory in the tables of a Runner that runs a Projection.
func New(db *sql.DB) *Directory { return &Directory{db} }

// Node returns what a newcomer who knows the root's GID starts with: the identities of the root and the nodes, what the
// root says of the nodes, and the registry with its attributes.
func (d *Directory) Node(ctx context.Context) (*protocol.Evidence, error) {
	return d.evidence(ctx, `
		WITH person (gid) AS (
			SELECT gid FROM node UNION SELECT author FROM fact WHERE about = 'node'
			UNION SELECT founder FROM authority WHERE name = 'phr'
		)
		SELECT sequence, count, entry FROM fact WHERE about IN ('node', 'auth.phr')
		UNION SELECT sequence, count, entry FROM fact JOIN person ON about = 'id.' || gid
		ORDER BY sequence`)
}

// Identity returns the chain of a person's keys and, for a patient, the registrations of their own authority.
func (d *Directory) Identity(ctx context.Context, gid identity.GID) (*protocol.Evidence, error) {
	return d.evidence(ctx, `SELECT sequence, count, entry FROM fact WHERE about = ? ORDER BY sequence`, personal(gid))
}

// Recovery returns a person's chain of keys, as Identity does, and with it the newest escrows: what a person starts from who has
// the recovery secret and nothing else.
func (d *Directory) Recovery(ctx context.Context, gid identity.GID) (*protocol.Evidence, error) {
	return d.evidence(ctx, `
		WITH newest AS (SELECT sequence, count, entry FROM escrow WHERE gid = ?2 ORDER BY sequence DESC LIMIT ?3)
		SELECT sequence, count, entry FROM fact WHERE about = ?1
		UNION SELECT sequence, count, entry FROM newest
		ORDER BY sequence`, personal(gid), string(gid), maxEscrows)
}

// maxEscrows is how many escrows of one person are shown, the newest: they hold the same, unless one was made by a thief.
const maxEscrows = 8

// Authority returns what there is to know of an authority beside what Node returns: the identity of its founder, its
// registrations that were endorsed, what the registry says of it, its attributes with their versions, and what it said last of where its
// chain ends. For a name that nobody has been given it returns nothing. An authority whose name is a GID is a patient; see Identity.
func (d *Directory) Authority(ctx context.Context, name policy.Authority) (*protocol.Evidence, error) {
	if name.IsGID() {
		return d.Identity(ctx, identity.GID(name))
	}
	if name == ledger.RegistryName {
		return d.Node(ctx)
	}
	return d.evidence(ctx, `
		SELECT sequence, count, entry FROM fact WHERE about = 'auth.' || ?1
		UNION SELECT sequence, count, entry FROM fact JOIN authority ON about = 'id.' || founder WHERE name = ?1
		UNION SELECT sequence, count, entry FROM head JOIN authority USING (name) WHERE name = ?1
		ORDER BY sequence`, string(name))
}

// Authorities returns the names of authorities, in order, after one.
func (d *Directory) Authorities(ctx context.Context, after policy.Authority) (*protocol.Authorities, error) {
	rows, err := d.db.QueryContext(ctx, `SELECT name FROM authority WHERE name > ? AND founder != '' ORDER BY name LIMIT ?`,
		string(after), protocol.MaxAuthorities)
	if err != nil {
		return nil, fmt.Errorf("asking the directory for authorities: %w", err)
	}
	defer rows.Close()
	all := new(protocol.Authorities)
	for rows.Next() {
		var name policy.Authority
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("asking the directory for authorities: %w", err)
		}
		all.Names = append(all.Names, name)
	}
	return all, rows.Err()
}

// Registration returns a registration of an authority, endorsed or not, by the first bytes of its hash, and the identity of
// its founder.
func (d *Directory) Registration(ctx context.Context, fingerprint []byte) (*protocol.Evidence, error) {
	return d.evidence(ctx, `
		WITH found AS (SELECT * FROM fact WHERE substr(event, 1, ?1) = ?2 AND (about IS NULL OR about GLOB 'auth.*'))
		SELECT sequence, count, entry FROM found
		UNION SELECT fact.sequence, fact.count, fact.entry FROM fact JOIN found ON fact.about = 'id.' || found.author
		ORDER BY sequence`, len(fingerprint), fingerprint)
}

func (d *Directory) evidence(ctx context.Context, query string, args ...any) (*protocol.Evidence, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("asking the directory: %w", err)
	}
	defer rows.Close()
	evidence := new(protocol.Evidence)
	for rows.Next() {
		var sequence uint64
		var f protocol.Fact
		if err := rows.Scan(&sequence, &f.Count, &f.Entry); err != nil {
			return nil, fmt.Errorf("asking the directory: %w", err)
		}
		evidence.Facts = append(evidence.Facts, f)
	}
	return evidence, rows.Err()
}

// personal, authoritative and nodal are what facts are about.
func personal(gid identity.GID) string           { return "id." + string(gid) }
func authoritative(name policy.Authority) string { return "auth." + string(name) }

const nodal = "node"
