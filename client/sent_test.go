package client_test

import (
	"encoding/hex"
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// What version 0.2.0 left in an outbox: two drafts of an import, which one try may have written.
const (
	oldDraftsName = "outbox-01m8eqy3kzjztbxqdb963t2bbx"
	oldDrafts     = "82a301677772697474656e02646e6f7465034d6b65707420627920302e322e30a301677772697474656e02646e6f7465034b616e6420616e6f74686572"
	oldOutbox     = "a20181855001a21d7f0e7f97f4beddab4987a12d7d777068722e39312e4749444749444749442e6865616c7468025820f45e854bc38b6d97b39f5207" +
		"1c956d44149a945fbad65eacfeec681293d409b181825001000000000000000000000000000000500100000000000000000000000000000002818358" +
		"20f45e854bc38b6d97b39f52071c956d44149a945fbad65eacfeec681293d409b1777068722e39312e4749444749444749442e6865616c746802"
)

func TestOldOutbox(t *testing.T) {
	t.Parallel()
	home := newHome(t)
	files := make(map[string][]byte)
	for name, text := range map[string]string{"outbox": oldOutbox, oldDraftsName: oldDrafts} {
		contents, err := hex.DecodeString(text)
		must(t, err)
		files[name] = contents
	}
	home.Restore(files)
	chain := ledger.RecordChain("GIDGIDGID", ledger.Health)
	drafts, err := home.Drafts(chain)
	must(t, err)
	want := notes("kept by 0.2.0", "and another")
	if !slices.EqualFunc(drafts, want, func(a, b client.Draft) bool {
		return a.Kind == b.Kind && a.Media == chart.Note && string(a.Body) == string(b.Body)
	}) {
		t.Errorf("the drafts are %v, want %v", drafts, want)
	}
	unsent, err := home.Unsent()
	must(t, err)
	if unsealed, err := home.Unsealed(); err != nil || len(unsealed) != 0 || unsent[chain.String()] != 2 {
		t.Errorf("unsent %v, unsealed %v, %v", unsent, unsealed, err)
	}
}
