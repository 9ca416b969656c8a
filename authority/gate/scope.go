package gate

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

const maxFounded = 4 // authorities that one login speaks for

// consumerNames draws the names of a session's consumers. They are short, and unique for ever.
func consumerNames(op ledger.Operation) []string {
	n := protocol.SessionConsumers
	if op == ledger.OpLogin {
		n = protocol.LoginConsumers
	}
	prefix := strings.ToLower(rand.Text()[:12])
	names := make([]string, n)
	for i := range names {
		names[i] = prefix + string(rune('a'+i))
	}
	return names
}

func expires(o *ledger.SessionOpened) time.Time { return time.UnixMilli(o.Expires) }

// scope returns what a session reaches, and puts into its grant what its holder starts with.
func (g *Gate) scope(ctx context.Context, v *challenge.Verified, grant *challenge.Grant) (stream.Scope, error) {
	opened := v.Opened()
	if opened.Operation == ledger.OpLogin {
		return g.loginScope(ctx, opened.GID, grant)
	}
	chain := ledger.RecordChain(v.Patient(), opened.Compartment)
	g.addHead(grant, chain)
	epoch, err := g.addShares(ctx, grant, opened, chain)
	if err != nil {
		return stream.Scope{}, err
	}
	if err := g.addParts(ctx, grant, chain, opened.Term, epoch); err != nil {
		return stream.Scope{}, err
	}
	place := []stream.Place{{Shard: ledger.Shard(chain.Owner), Owner: chain.Owner, Compartment: string(chain.Compartment)}}
	scope := stream.Scope{Keys: place}
	if opened.Operation == ledger.OpWrite {
		scope.Ingest = place
	}
	return scope, nil
}

// addParts puts the parts by which the holder of a term opens an epoch into a grant; 0 is the current one. Erased ones are left
// out.
func (g *Gate) addParts(ctx context.Context, grant *challenge.Grant, chain ledger.Chain, term ledger.TermID, number uint32) error {
	fact, _ := g.facts.Compartment(chain)
	of := fact.Epoch
	if number != 0 {
		of, _ = fact.At(number)
	}
	if of == nil {
		return nil
	}
	for _, name := range []string{ledger.WrapName(term), ledger.PartShred, ledger.PartLink} {
		part, ok := of.Part(name)
		if !ok {
			continue
		}
		data, err := g.Ingest.Ledger.Part(ctx, ledger.PartSubject(chain, of.Number, name, part.Hash))
		if errors.Is(err, stream.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		grant.Parts = append(grant.Parts, protocol.PartData{Chain: chain.String(), Epoch: of.Number, Name: name, Data: data})
	}
	return nil
}

func (g *Gate) addHead(grant *challenge.Grant, chain ledger.Chain) {
	if head, ok := g.facts.Head(chain); ok {
		grant.Heads = append(grant.Heads, challenge.Head{Chain: chain.String(), Number: head.Number, Hash: head.Hash})
	}
}

// loginScope returns what is a person's own: their chain, their record, the authorities they founded.
func (g *Gate) loginScope(ctx context.Context, gid identity.GID, grant *challenge.Grant) (stream.Scope, error) {
	scope := stream.Scope{Login: true, Ingest: []stream.Place{{Shard: ledger.Shard(string(gid)), Owner: string(gid)}}}
	g.addHead(grant, ledger.PersonChain(gid))
	if _, patient := g.facts.Patient(gid); patient {
		scope.Keys = scope.Ingest
		own, err := g.compartments(ctx, gid)
		if err != nil {
			return scope, err
		}
		for _, c := range own {
			g.addHead(grant, ledger.RecordChain(gid, c))
		}
	}
	founded, err := g.founded(ctx, gid)
	if err != nil {
		return scope, err
	}
	for _, name := range founded {
		scope.Ingest = append(scope.Ingest, stream.Place{Shard: ledger.Shard(string(name)), Owner: string(name), Compartment: "_"})
		scope.Queues = append(scope.Queues, string(name))
		g.addHead(grant, ledger.AuthorityChain(name))
	}
	return scope, nil
}

// compartments returns the compartments of a patient's record. The stream says which may be there, the fold which are.
func (g *Gate) compartments(ctx context.Context, gid identity.GID) ([]ledger.Compartment, error) {
	all := []ledger.Compartment{ledger.Profile, ledger.Access}
	created := ledger.RecordChain(gid, "*").Subject(ledger.CompartmentCreatedKind)
	err := g.each(ctx, created, func(e *ledger.Entry) {
		if _, ok := g.facts.Compartment(e.Chain); ok {
			all = append(all, e.Chain.Compartment)
		}
	})
	return all, err
}

// founded returns the authorities that a person founded, the newest ones.
func (g *Gate) founded(ctx context.Context, gid identity.GID) ([]policy.Authority, error) {
	var all []policy.Authority
	err := g.each(ctx, ledger.PersonChain(gid).Subject(ledger.AuthorityRegisteredKind), func(e *ledger.Entry) {
		if b, ok := e.Body.(*ledger.AuthorityRegistered); ok && g.facts.founder(gid, b.Name) {
			all = append(remove(all, b.Name), b.Name)
		}
	})
	return all[max(0, len(all)-maxFounded):], err
}

func remove(names []policy.Authority, name policy.Authority) []policy.Authority {
	kept := names[:0]
	for _, n := range names {
		if n != name {
			kept = append(kept, n)
		}
	}
	return kept
}

// errRead ends following the log where it ends now.
var errRead = errors.New("read")

// each calls fn with the entries under a subject, which may have wildcards.
func (g *Gate) each(ctx context.Context, subject string, fn func(*ledger.Entry)) error {
	last, err := g.Ingest.Ledger.Last(ctx, subject)
	if err != nil || last.Seq == 0 {
		return err
	}
	err = g.Ingest.Ledger.Follow(ctx, 1, []string{subject}, func(entries []stream.Entry, pending uint64) error {
		for _, raw := range entries {
			if e, err := ledger.ParseEntry(raw.Data); err == nil && e.Subject() == raw.Subject {
				fn(e)
			}
		}
		if pending == 0 {
			return errRead
		}
		return nil
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}
