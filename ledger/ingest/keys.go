package ingest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Bounds on the answer to one query of parts.
const (
	maxNames    = 3*ledger.MaxTerms + 3
	maxAnswered = 900 << 10 // bytes; the server takes messages of 1 MiB
)

// keys answers with an epoch's parts. They are sealed: who may fetch them is a matter of not handing out ciphertext to
// those who have no business with it.
func (in *Ingest) keys(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	var q protocol.PartsQuery
	if err := canonical.Unmarshal(r.Data, &q); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	if len(q.Names) > maxNames {
		return nil, refusal(protocol.CodeBad, fmt.Errorf("an epoch has no more than %d parts", maxNames))
	}
	chain, parts, err := in.partsFor(session, r.Subject, &q)
	if err != nil {
		return nil, err
	}
	answer, err := in.answer(ctx, chain, q.Epoch, parts)
	if err == nil && len(answer.Parts) < len(parts) {
		// What is named and not there may have been replaced or outlived by an event that the fold is about to show.
		lag, cancel := context.WithTimeout(ctx, ledger.MaxBehind)
		defer cancel()
		if err = in.caughtUp(lag); err != nil {
			return nil, err
		}
		if chain, parts, err = in.partsFor(session, r.Subject, &q); err != nil {
			return nil, err
		}
		answer, err = in.answer(ctx, chain, q.Epoch, parts)
	}
	if err != nil {
		return nil, err
	}
	return canonical.Marshal(answer)
}

// answer fetches the parts of an epoch that are there.
func (in *Ingest) answer(ctx context.Context, chain ledger.Chain, epoch uint32, parts map[string]ledger.Hash) (*protocol.Parts, error) {
	answer := new(protocol.Parts)
	size := 0
	for name, hash := range parts {
		data, err := in.Ledger.Part(ctx, ledger.PartSubject(chain, epoch, name, hash))
		if errors.Is(err, stream.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if size += len(data); size > maxAnswered {
			return nil, refusal(protocol.CodeBad, errors.New("too large for one answer: ask for fewer parts at a time"))
		}
		answer.Parts = append(answer.Parts, protocol.PartData{Chain: chain.String(), Epoch: epoch, Name: name, Data: data})
	}
	return answer, nil
}

// partsFor finds the parts asked for among those the log names for the epoch.
func (in *Ingest) partsFor(session *challenge.Session, subject string, q *protocol.PartsQuery) (ledger.Chain, map[string]ledger.Hash, error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 4 {
		return ledger.Chain{}, nil, refusal(protocol.CodeBad, errors.New("not the subject of a compartment"))
	}
	c := ledger.RecordChain(identity.GID(tokens[2]), ledger.Compartment(tokens[3]))
	own := session.Operation() == ledger.OpLogin && session.GID() == c.GID()
	if !own && session.Chain() != c {
		return c, nil, refusal(protocol.CodeRefused, errors.New("the session is for another compartment"))
	}
	if err := in.Fold.Closed(c); err != nil {
		return c, nil, refusal(protocol.CodeRefused, err)
	}
	found := make(map[string]ledger.Hash, len(q.Names))
	in.Fold.View(func(s *ledger.State) {
		f, _ := s.Compartment(c)
		epoch, ok := f.At(q.Epoch)
		if !ok {
			return
		}
		for _, name := range q.Names {
			if p, ok := epoch.Part(name); ok {
				found[name] = p.Hash
			}
		}
	})
	return c, found, nil
}
