// Package web serves phr to browsers: the page, the program in it that holds a person's keys, and the way from there to a node.
//
// The page is built from web/app and lies in web/dist. The program is package web/worker as WebAssembly, which a release has in it
// and anybody else builds once: see Open. What a browser sends to a node and gets from it passes through here as the node's other
// connections pass through a network: sealed, signed, and no more trusted for coming this way.
//
// What this does not protect: whoever serves the page can change it, and a changed page has the keys of whoever unlocks there. Verify
// compares a served copy with one's own; it can't tell whether others are served the same.
package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/phrledger/phr/ledger/protocol"
)

// Config says what is served, and for which node.
type Config struct {
	Build   *Build       // of Open
	Node    protocol.URL // whose address has to be reachable from here
	Version string       // of this program, as people are told
	Origins []string     // under which browsers may come besides loopback names, as in https://phr.example.org
	People  []Person     // sample people whose keys anybody here is given; nil but in a demonstration
	Console *Console     // where the page asks an authority's own program, and no node; nil for everybody else
	Log     *slog.Logger // nil for none
}

// Handler serves the page and the way to the node. It is safe for concurrent use.
type Handler struct {
	config Config
	hosts  hosts
	about  *file
	pipes  chan struct{} // a place for each connection to the node
}

// New makes a handler. It fails if an origin is none.
func New(c Config) (*Handler, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h := &Handler{config: c, pipes: make(chan struct{}, maxPipes)}
	var err error
	if h.hosts, err = parseHosts(c.Origins); err != nil {
		return nil, err
	}
	if h.about, err = c.about(); err != nil {
		return nil, fmt.Errorf("saying what is served: %w", err)
	}
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	protect(w.Header())
	if !h.hosts.known(r) {
		http.Error(w, "this is not served under that name", http.StatusMisdirectedRequest)
		return
	}
	if h.hosts.secure(r) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	person, demo := strings.CutPrefix(r.URL.Path, "/demo/people/")
	console := h.config.Console
	switch {
	case console != nil && strings.HasPrefix(r.URL.Path, consolePath):
		console.serve(w, r, &h.hosts)
	case console == nil && r.URL.Path == natsPath:
		h.connect(w, r)
	case demo:
		h.handOver(w, r, person)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
	case r.URL.Path == aboutPath:
		h.about.serve(w, r)
	default:
		h.serveFile(w, r)
	}
}

func (h *Handler) serveFile(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if path == "/" {
		path = indexPath
	}
	f, ok := h.config.Build.files[path]
	if !ok {
		w.Header().Set("Cache-Control", "no-store")
		http.NotFound(w, r)
		return
	}
	f.serve(w, r)
}
