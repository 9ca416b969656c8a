package web

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
)

const aboutPath = "/about.json"

// Person is a sample person of a demonstration. Whoever can reach it is given their keys.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Role string `json:"role"`
	// Handover returns what client.AdoptHome takes.
	Handover func() ([]byte, error) `json:"-"`
}

// about is what a copy says of itself.
type about struct {
	Node    string            `json:"node"`
	Version string            `json:"version"`
	Go      string            `json:"go"`    // that the program in the browser was built with
	Files   map[string]string `json:"files"` // SHA-256 in hexadecimal, by path
	People  []Person          `json:"people,omitempty"`
	Console bool              `json:"console,omitempty"` // an authority's own program answers the page: see Console
}

func (c *Config) about() (*file, error) {
	a := about{Node: c.Node.String(), Version: c.Version, Go: c.Build.golang, Files: make(map[string]string), People: c.People, Console: c.Console != nil}
	for path, f := range c.Build.files {
		a.Files[path] = hex.EncodeToString(f.sum[:])
	}
	contents, err := json.MarshalIndent(a, "", "  ")
	return newFile("application/json", askAgain, append(contents, '\n')), err
}

// handOver gives the page the keys of a sample person, as base64.
func (h *Handler) handOver(w http.ResponseWriter, r *http.Request, id string) {
	w.Header().Set("Cache-Control", "no-store")
	i := slices.IndexFunc(h.config.People, func(p Person) bool { return p.ID == id })
	switch {
	case i < 0:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST")
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return
	case !h.hosts.own(r):
		http.Error(w, "only the page that is served here is given keys", http.StatusForbidden)
		return
	}
	handed, err := h.config.People[i].Handover()
	if err != nil {
		h.config.Log.Error("hand_over", "err", err)
		http.Error(w, "the keys can't be handed over", http.StatusInternalServerError)
		return
	}
	defer clear(handed)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(base64.StdEncoding.EncodeToString(handed))) // whoever asked has gone
}
