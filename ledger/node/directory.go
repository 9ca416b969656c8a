package node

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

var (
	errBehind = &stream.Error{Code: protocol.CodeBusy, Text: "the node is behind its log", Hint: "try again in a moment"}
	errEnded  = &stream.Error{Code: protocol.CodeEnded, Text: "the session is over", Hint: "open a new one"}
	errLogin  = &stream.Error{Code: protocol.CodeRefused, Text: "the session is not a login", Hint: "log in"}
)

// serveDirectory answers the dir queries. Each answer shows all that was in the log when it was asked for.
func (n *Node) serveDirectory(ctx context.Context, g *errgroup.Group) error {
	for _, s := range []struct {
		subject string
		handle  stream.Handler
	}{
		{protocol.DirNode, answer(n, n.nodes)},
		{protocol.DirIdentity, answer(n, n.identity)},
		{protocol.DirAuthority, answer(n, n.authority)},
		{protocol.DirAuthorities, answer(n, n.authorities)},
		{protocol.DirRegistration, answer(n, n.registration)},
		{protocol.DirRecovery, answer(n, n.recovery)},
		{protocol.DirCheckpoint, answer(n, n.checkpoint)},
		{protocol.DirProof, answer(n, n.proofs)},
		{protocol.DirHeads, forSession(n, n.heads)},
		{protocol.DirMine, forLogin(n, n.mine)},
		{protocol.DirKeys, forLogin(n, n.keysOf)},
		{protocol.DirNames, forLogin(n, n.names)},
		{protocol.DirHeld, forLogin(n, n.held)},
		{protocol.DirTouched, forLogin(n, n.touched)},
		{protocol.DirBreakglass, forLogin(n, n.emergencies)},
	} {
		listener, err := n.server.Ledger().Listen(s.subject, "phr", 8)
		if err != nil {
			return err
		}
		g.Go(func() error { return listener.Serve(ctx, s.handle) })
	}
	return nil
}

// answer makes a handler of a public query.
func answer[Query, Answer any](n *Node, find func(context.Context, *Query) (*Answer, error)) stream.Handler {
	return func(ctx context.Context, r *stream.Request) ([]byte, error) {
		q := new(Query)
		if err := canonical.Unmarshal(r.Data, q); err != nil {
			return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
		}
		if err := n.settle(ctx); err != nil {
			return nil, err
		}
		found, err := find(ctx, q)
		if err != nil {
			return nil, err
		}
		return canonical.Marshal(found)
	}
}

func (n *Node) nodes(ctx context.Context, _ *protocol.NodeQuery) (*protocol.Evidence, error) {
	return n.dir.Node(ctx)
}

func (n *Node) identity(ctx context.Context, q *protocol.IdentityQuery) (*protocol.Evidence, error) {
	evidence, err := n.dir.Identity(ctx, q.GID)
	if err == nil && len(evidence.Facts) == 0 {
		return nil, notFound("nobody is registered as %s", q.GID)
	}
	return evidence, err
}

func (n *Node) recovery(ctx context.Context, q *protocol.RecoveryQuery) (*protocol.Recovery, error) {
	evidence, err := n.dir.Recovery(ctx, q.GID)
	if err != nil {
		return nil, err
	}
	if len(evidence.Facts) == 0 {
		return nil, notFound("nobody is registered as %s", q.GID)
	}
	found := &protocol.Recovery{Facts: evidence.Facts}
	n.fold.View(func(s *ledger.State) {
		head, _ := s.Head(ledger.PersonChain(q.GID))
		found.Number, found.Hash = head.Number, head.Hash
	})
	return found, nil
}

func (n *Node) authority(ctx context.Context, q *protocol.AuthorityQuery) (*protocol.Evidence, error) {
	evidence, err := n.dir.Authority(ctx, q.Name)
	if err == nil && len(evidence.Facts) == 0 {
		return nil, notFound("no authority %q is endorsed", q.Name)
	}
	return evidence, err
}

func (n *Node) authorities(ctx context.Context, q *protocol.AuthoritiesQuery) (*protocol.Authorities, error) {
	return n.dir.Authorities(ctx, q.After)
}

// fingerprintSize is the length of the beginning of a registration's hash that people compare.
const fingerprintSize = len(authority.Fingerprint{})

func (n *Node) registration(ctx context.Context, q *protocol.RegistrationQuery) (*protocol.Evidence, error) {
	if len(q.Fingerprint) != fingerprintSize {
		return nil, &stream.Error{Code: protocol.CodeBad, Text: fmt.Sprintf("a fingerprint has %d bytes", fingerprintSize)}
	}
	evidence, err := n.dir.Registration(ctx, q.Fingerprint)
	if err == nil && len(evidence.Facts) == 0 {
		return nil, notFound("nobody has registered an authority with the fingerprint %s", authority.Fingerprint(q.Fingerprint))
	}
	return evidence, err
}

func notFound(format string, subject any) error {
	return &stream.Error{Code: protocol.CodeNotFound, Text: fmt.Sprintf(format, ledger.Clip(fmt.Sprint(subject)))}
}

// forLogin makes a handler of a query about what is the caller's own.
func forLogin[Query, Answer any](n *Node, find func(context.Context, *challenge.Session, *Query) (*Answer, error)) stream.Handler {
	return forSession(n, func(ctx context.Context, s *challenge.Session, q *Query) (*Answer, error) {
		if s.Operation() != ledger.OpLogin {
			return nil, errLogin
		}
		return find(ctx, s, q)
	})
}

// forSession makes a handler of a query that depends on the caller's session.
func forSession[Query, Answer any](n *Node, find func(context.Context, *challenge.Session, *Query) (*Answer, error)) stream.Handler {
	return func(ctx context.Context, r *stream.Request) ([]byte, error) {
		q := new(Query)
		if err := canonical.Unmarshal(r.Data, q); err != nil {
			return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
		}
		if err := n.settle(ctx); err != nil {
			return nil, err
		}
		session, ok := n.gate.Live(r.Caller)
		if !ok {
			return nil, errEnded
		}
		found, err := find(ctx, session, q)
		if err != nil {
			return nil, err
		}
		return canonical.Marshal(found)
	}
}

// mine returns the terms that the caller satisfies, as the fold has it now.
func (n *Node) mine(ctx context.Context, s *challenge.Session, q *protocol.MineQuery) (*protocol.Mine, error) {
	return n.dir.Mine(ctx, s.GID(), q.After, func(c ledger.Chain, term ledger.TermID) (ok bool) {
		n.fold.View(func(state *ledger.State) {
			_, err := state.Entitled(s.GID(), c, ledger.OpRead, term, n.config.Now())
			ok = err == nil
		})
		return ok
	})
}

// keysOf returns the attribute keys issued to the caller.
func (n *Node) keysOf(ctx context.Context, s *challenge.Session, q *protocol.KeysQuery) (*protocol.Keys, error) {
	return n.dir.Keys(ctx, s.GID(), int(q.Skip))
}

// names returns who people are, by the word of the authorities that enrolled them.
func (n *Node) names(ctx context.Context, _ *challenge.Session, q *protocol.NamesQuery) (*protocol.Names, error) {
	if len(q.GIDs) > protocol.MaxNames {
		return nil, &stream.Error{Code: protocol.CodeBad, Text: fmt.Sprintf("at most %d people are asked about at once", protocol.MaxNames)}
	}
	return n.dir.Names(ctx, q.GIDs...)
}
