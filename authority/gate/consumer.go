package gate

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// wholeLog is the filter of an auditor's consumer.
const wholeLog = ">"

// consumer gives a session a place to read a chain from.
func (g *Gate) consumer(ctx context.Context, r *stream.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRequest)
	defer cancel()
	var q protocol.ConsumerQuery
	l, err := g.inSession(ctx, r, &q)
	if err != nil {
		return nil, err
	}
	answer, filter := protocol.Consumer{}, wholeLog
	if q.Chain == "" {
		if err := g.admitAuditor(ctx, l); err != nil {
			return nil, err
		}
	} else {
		chain, err := g.readable(l.session, q.Chain)
		if err != nil {
			return nil, err
		}
		filter, answer.Rejected = chain.Filter(), g.Ingest.Fold.Rejected(chain)
	}
	if answer.Name, err = l.pulls.open(ctx, g.Ingest.Ledger, q.Place, stream.Consumer{Filter: filter, From: q.From}); err != nil {
		return nil, err
	}
	return canonical.Marshal(answer)
}

var ended = &stream.Error{Code: protocol.CodeEnded, Text: "the session is over", Hint: "open a new one"}

// inSession reads a request that only a live session makes, as of everything that was in the log when it came.
func (g *Gate) inSession(ctx context.Context, r *stream.Request, query any) (*live, error) {
	if err := g.caughtUp(ctx); err != nil {
		return nil, err
	}
	l, ok := g.live(r.Caller)
	if !ok {
		return nil, ended
	}
	if err := canonical.Unmarshal(r.Data, query); err != nil {
		return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
	}
	return l, nil
}

// readable returns the chain named, if the session may read it.
func (g *Gate) readable(s *challenge.Session, name string) (ledger.Chain, error) {
	chain, err := ledger.ParseChain(name)
	if err != nil {
		return chain, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
	}
	if !g.mayRead(s, chain) {
		return chain, &stream.Error{
			Code: protocol.CodeRefused, Text: "this session does not read " + chain.String(), Hint: "open one that does",
		}
	}
	if err := g.Ingest.Fold.Closed(chain); err != nil {
		return chain, &stream.Error{
			Code: protocol.CodeRefused, Text: fmt.Sprintf("%s is closed: %v", chain, err), Hint: "ask the node's operator for a newer version of phr",
		}
	}
	return chain, nil
}

func (g *Gate) mayRead(s *challenge.Session, c ledger.Chain) bool {
	if s.Operation() != ledger.OpLogin {
		return c == s.Chain()
	}
	if c.Space == ledger.AuthoritySpace {
		return g.facts.founder(s.GID(), c.Authority())
	}
	return c.Space != ledger.NodeSpace && c.GID() == s.GID()
}

// admitAuditor logs that somebody is about to read the whole log, once a session, and fails for who may not.
func (g *Gate) admitAuditor(ctx context.Context, l *live) error {
	s := l.session
	if s.Operation() != ledger.OpLogin || !g.facts.audits(s.GID()) {
		return &stream.Error{
			Code: protocol.CodeRefused, Text: "only an auditor reads the whole log", Hint: "the registry issues " + auditor.String(),
		}
	}
	l.mu.Lock()
	known := l.audits
	l.mu.Unlock()
	if known {
		return nil
	}
	opened := &ledger.Incident{Text: fmt.Sprintf("auditor %s opened the whole log", s.GID())}
	if _, err := g.Ingest.Say(ctx, ledger.NodeChain(g.Ingest.Node.GID()), opened); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.audits = true
	return nil
}
