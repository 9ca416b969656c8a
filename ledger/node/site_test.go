package node_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
)

// The tree is shown over HTTP: checkpoint and hashes to everybody, leaves to whoever has a session, entries to an auditor, and
// none of the last two longer than the session lasts.
func TestSite(t *testing.T) {
	n := run(t, node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0"})
	p := n.newPerson(t)
	n.sealed(t)
	get := func(path, ticket string) (int, []byte) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Site().String()+path, nil)
		must(t, err)
		if ticket != "" {
			r.Header.Set("Authorization", "Bearer "+ticket)
		}
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		must(t, err)
		return answer.StatusCode, body
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	status, note := get("/checkpoint", "")
	c, err := tree.OpenCheckpoint(note, n.Sealer().Key)
	if err != nil || status != http.StatusOK {
		t.Fatalf("the checkpoint: %d, %v", status, err)
	}
	width := c.Size // fewer than a tile holds
	hashes, bundle, data := fmt.Sprintf("/tile/0/000.p/%d", width), fmt.Sprintf("/tile/entries/000.p/%d", width), "/tile/data/000"
	if status, _ := get(hashes, ""); status != http.StatusOK {
		t.Errorf("hashes to anybody: %d", status)
	}
	login := p.login(t)
	leaves, err := ask[protocol.Ticket](t, login.conn, protocol.GateTicket, protocol.TicketQuery{})
	must(t, err)
	if _, err := ask[protocol.Ticket](t, login.conn, protocol.GateTicket, protocol.TicketQuery{Whole: true}); codeOf(err) != protocol.CodeRefused {
		t.Errorf("a ticket to the whole log for somebody: %v, want refused", err)
	}
	forged := "whole" + leaves.Ticket[len("leaves"):]
	for _, tt := range []struct {
		path, ticket string
		want         int
	}{
		{bundle, "", http.StatusUnauthorized},
		{bundle, "leaves", http.StatusUnauthorized},
		{bundle, leaves.Ticket + "A", http.StatusUnauthorized},
		{bundle, leaves.Ticket, http.StatusOK},
		{data, leaves.Ticket, http.StatusUnauthorized},
		{data, forged, http.StatusUnauthorized},
	} {
		if status, _ := get(tt.path, tt.ticket); status != tt.want {
			t.Errorf("%s with ticket %.20q: %d, want %d", tt.path, tt.ticket, status, tt.want)
		}
	}
	auditor := n.newPerson(t)
	n.makeAuditor(t, auditor)
	whole, err := ask[protocol.Ticket](t, auditor.login(t).conn, protocol.GateTicket, protocol.TicketQuery{Whole: true})
	must(t, err)
	if status, body := get(data, whole.Ticket); status != http.StatusOK || len(body) == 0 {
		t.Errorf("entries to an auditor: %d, %d bytes", status, len(body))
	}
	p.register(t, ledger.PersonChain(p.GID()), &ledger.IdentityRevoked{Reason: "lost"})
	checkClosed(t, login.conn)
	if status, _ := get(bundle, leaves.Ticket); status != http.StatusUnauthorized {
		t.Errorf("leaves after the session ended: %d", status)
	}
}

// What else is served there does not stand in the tree's way, and knows whose node it is for.
func TestSiteBesideTree(t *testing.T) {
	var told protocol.URL
	n := run(t, node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", HTTP: "127.0.0.1:0", Web: func(url protocol.URL) (http.Handler, error) {
		told = url
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "page of ", r.URL.Path) }), nil
	}})
	n.sealed(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	for path, page := range map[string]bool{"/": true, "/nats": true, "/checkpoints": true, "/checkpoint": false, "/tile/0/000": false, "/tile/": false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+n.Site().String()+path, nil)
		must(t, err)
		answer, err := http.DefaultClient.Do(r)
		must(t, err)
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		must(t, err)
		if (string(body) == "page of "+path) != page {
			t.Errorf("%s: %.60q", path, body)
		}
	}
	if told != n.URL() {
		t.Errorf("it is for %s, and the node is %s", told, n.URL())
	}
}
