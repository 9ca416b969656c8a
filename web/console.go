package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	consolePath = "/console/"
	// tokenHeader carries the token. No page elsewhere can send it without this one's leave, which nobody has.
	tokenHeader = "Phr-Console"
	// maxAsked bounds what is asked for, in bytes.
	maxAsked = 64 << 10
	// waiting is how many events wait for a page that is slow to read them: those that come then are not told to it.
	waiting = 64
)

// Console is the way from the page to a program that has an authority's keys, and that stays the only one to have them. The page is
// let in by a token that the program shows its operator.
type Console struct {
	token  string
	answer func(ctx context.Context, name string, args json.RawMessage) (any, error)

	mu      sync.Mutex
	streams map[chan told]bool
}

// told is an event.
type told struct {
	name string
	data []byte
}

// NewConsole makes a console with a token of its own. What answer fails with is told as its JSON says.
func NewConsole(answer func(ctx context.Context, name string, args json.RawMessage) (any, error)) *Console {
	return &Console{token: rand.Text(), answer: answer, streams: make(map[chan told]bool)}
}

// Fragment is what follows the page's URL for who may come in. It never leaves the browser.
func (c *Console) Fragment() string { return "#console=" + c.token }

// Post tells every page that is open of an event.
func (c *Console) Post(event string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return // what is posted are structs of package view
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for stream := range c.streams {
		select {
		case stream <- told{event, encoded}:
		default:
		}
	}
}

// consoleCall tells whether a call is one of those that an operator's screens make. The program answers nothing else of what it could.
func consoleCall(name string) bool {
	return name == "me" || name == "circle" || name == "authority" || strings.HasPrefix(name, "authority.")
}

// admits tells whether a request has the token, and comes from the page that is served here. To read, browsers don't say so of a page's
// own requests.
func (c *Console) admits(r *http.Request, h *hosts) bool {
	origin := r.Header.Get("Origin")
	if (r.Method != http.MethodGet || origin != "") && !h.own(r) {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" {
		return false
	}
	shown, own := sha256.Sum256([]byte(r.Header.Get(tokenHeader))), sha256.Sum256([]byte(c.token))
	return subtle.ConstantTimeCompare(shown[:], own[:]) == 1
}

func (c *Console) serve(w http.ResponseWriter, r *http.Request, h *hosts) {
	w.Header().Set("Cache-Control", "no-store")
	method := map[string]string{"call": http.MethodPost, "events": http.MethodGet}[strings.TrimPrefix(r.URL.Path, consolePath)]
	switch {
	case method == "":
		http.NotFound(w, r)
	case r.Method != method:
		w.Header().Set("Allow", method)
		http.Error(w, "only "+method, http.StatusMethodNotAllowed)
	case !c.admits(r, h):
		http.Error(w, "open the address that the program shows, as a whole", http.StatusForbidden)
	case method == http.MethodPost:
		c.call(w, r)
	default:
		c.tell(w, r)
	}
}

// call answers one call. It may take long: keys are issued meanwhile.
func (c *Console) call(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAsked)).Decode(&asked); err != nil {
		http.Error(w, "a call is JSON with a name and args", http.StatusBadRequest)
		return
	}
	if !consoleCall(asked.Name) {
		http.Error(w, "this is not asked for here", http.StatusNotFound)
		return
	}
	unhurried(w)
	var answer struct {
		Result any   `json:"result,omitempty"`
		Error  error `json:"error,omitempty"`
	}
	answer.Result, answer.Error = c.answer(r.Context(), asked.Name, asked.Args)
	if answer.Error != nil {
		answer.Result = nil
	}
	encoded, err := json.Marshal(answer)
	if err != nil {
		http.Error(w, "the answer can't be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encoded) // whoever asked has gone
}

// tell tells of events until the page goes, as an event stream.
func (c *Console) tell(w http.ResponseWriter, r *http.Request) {
	stream := make(chan told, waiting)
	c.mu.Lock()
	c.streams[stream] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, stream)
	}()
	out := unhurried(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	for err := out.Flush(); err == nil; err = out.Flush() {
		select {
		case <-r.Context().Done():
			return
		case t := <-stream:
			if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", t.name, t.data); err != nil {
				return
			}
		}
	}
}

// unhurried lets an answer take as long as it does.
func unhurried(w http.ResponseWriter) *http.ResponseController {
	out := http.NewResponseController(w)
	_, _ = out.SetReadDeadline(time.Time{}), out.SetWriteDeadline(time.Time{}) // where they can't be set, there are none
	return out
}
