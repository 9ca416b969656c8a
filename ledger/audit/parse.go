package audit

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// parsed is what became of the bytes of an entry. There may be both, an entry and what is wrong with it.
type parsed struct {
	entry *ledger.Entry
	err   error
	leaf  leaf
}

// parse reads entries, several at a time.
func parse(raw []stream.Entry, left checks) []parsed {
	out := make([]parsed, len(raw))
	share := max(64, (len(raw)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for from := 0; from < len(raw); from += share {
		to := min(from+share, len(raw))
		wg.Go(func() {
			for i := from; i < to; i++ {
				out[i] = parseOne(raw[i], left)
			}
		})
	}
	wg.Wait()
	return out
}

// parseOne reads an entry. One that lies beside tiles has no subject: there it is found by its place.
func parseOne(raw stream.Entry, left checks) parsed {
	e, err := ledger.ParseEntry(raw.Data)
	if err == nil && raw.Subject != "" && e.Subject() != raw.Subject && !left.has(checkSubject) {
		err = errors.New("it is not stored under its own subject")
	}
	return parsed{e, err, leafOf(raw.Data)}
}

// chainOf returns the chain that a subject belongs to; the zero chain if it belongs to none.
func chainOf(subject string) ledger.Chain {
	tokens := strings.Split(subject, ".")
	c, _ := ledger.ParseChain(strings.Join(slices.Delete(tokens, len(tokens)-1, len(tokens)), "."))
	return c
}
