package view_test

import (
	"bytes"
	"context"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web"
	"github.com/phrledger/phr/web/view"
)

// operator is a page with the token, and all that it was sent.
type operator struct {
	t     *testing.T
	url   string
	token string
	sent  bytes.Buffer
}

// console opens the console of an authority.
func (w *world) console(t *testing.T, c *client.Client) *operator {
	t.Helper()
	page, err := web.OpenPage()
	must(t, err)
	var v *view.View
	door := web.NewConsole(func(ctx context.Context, name string, args json.RawMessage) (any, error) {
		return v.Call(ctx, name, args)
	})
	v = view.New(view.Config{Client: c, Now: w.clock.now, Post: door.Post, Serving: true})
	h, err := web.New(web.Config{Build: page, Console: door})
	must(t, err)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &operator{t: t, url: server.URL, token: strings.TrimPrefix(door.Fragment(), "#console=")}
}

// asks makes a call and reads the answer into result.
func (o *operator) asks(name string, args, result any) {
	o.t.Helper()
	asked, err := json.Marshal(map[string]any{"name": name, "args": args})
	must(o.t, err)
	r, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.url+"/console/call", bytes.NewReader(asked))
	must(o.t, err)
	r.Header.Set("Origin", o.url)
	r.Header.Set("Phr-Console", o.token)
	answer, err := http.DefaultClient.Do(r)
	must(o.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(o.t, err)
	o.sent.Write(body)
	var said struct {
		Result json.RawMessage
		Error  *view.Error
	}
	must(o.t, json.Unmarshal(body, &said))
	if said.Error != nil {
		o.t.Fatalf("%s: %v", name, said.Error)
	}
	must(o.t, json.Unmarshal(said.Result, result))
}

// leaks tells whether a text holds a piece of a secret, as it is or encoded. What both have by right is public.
func leaks(text, secret []byte, public ...string) bool {
	const piece = 12
	for _, p := range public {
		secret = bytes.ReplaceAll(secret, []byte(p), []byte{0})
	}
	known := func(b []byte) bool {
		for i := 0; i+piece <= len(b); i++ {
			if bytes.Contains(secret, b[i:i+piece]) {
				return true
			}
		}
		return false
	}
	if known(text) {
		return true
	}
	for _, run := range regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`).FindAllString(string(text), -1) {
		for skip := range 8 { // wherever an encoding may begin
			rest := run[min(skip, len(run)):]
			for _, decode := range []func(string) ([]byte, error){
				hex.DecodeString, base64.RawStdEncoding.DecodeString, base64.RawURLEncoding.DecodeString, base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString,
			} {
				for end := len(rest); end > len(rest)-8 && end >= piece; end-- {
					if b, err := decode(rest[:end]); err == nil && known(b) {
						return true
					}
				}
			}
		}
	}
	return false
}

// An operator runs an authority from a browser, and nothing that is sent there is a key of it.
func TestConsoleGivesNoKeyAway(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(""), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	okoye := w.holder("doctor@city-hospital", "Dr. B. Okoye")
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})
	hospital := w.authority("city-hospital")
	o := w.console(t, hospital)

	var me view.Me
	var circle view.Circle
	var state view.AuthorityState
	var invited view.Invited
	var impact view.Impact
	var revoked view.Revoked
	o.asks("me", view.Nothing{}, &me)
	o.asks("circle", view.Nothing{}, &circle)
	o.asks("authority", view.Nothing{}, &state)
	if len(circle.Authorities) != 1 || !state.Serving || len(state.Members) != 2 {
		t.Fatalf("%+v, %+v", circle, state)
	}
	o.asks("authority.impact", view.Revocation{GID: string(ruiz.GID()), Reason: "left"}, &impact)
	o.asks("authority.revoke", view.Token{Token: impact.Token}, &revoked)
	o.asks("authority.reissue", view.Nothing{}, &state)
	o.asks("authority.invite", view.Offer{Attributes: []string{"doctor"}}, &invited)
	if n := bytes.Count(o.sent.Bytes(), []byte(invited.Code)); n != 1 {
		t.Errorf("the code was sent %d times", n)
	}
	o.asks("authority", view.Nothing{}, &state)
	if len(state.Members) != 1 || state.Members[0].GID != string(okoye.GID()) || len(state.Invitations) != 1 || bytes.Count(o.sent.Bytes(), []byte(invited.Code)) != 1 {
		t.Errorf("%+v; want one doctor left, one invitation, and its code not shown again", state)
	}
	if _, err := authority.ParseCode(invited.Code); err != nil {
		t.Error(err)
	}

	a, err := hospital.Home().Authority()
	must(t, err)
	handed, err := hospital.Home().Handover()
	must(t, err)
	public := []string{string(hospital.GID()), string(ruiz.GID()), string(okoye.GID()), "city-hospital", "hospital"}
	for _, i := range a.Invitations() {
		public = append(public, string(i.ID[:]))
	}
	for name, secret := range map[string][]byte{"the authority's keys": a.Bytes(), "the founder's keys": handed} {
		if leaks(o.sent.Bytes(), secret, public...) {
			t.Errorf("%s were sent in part: %s", name, o.sent.Bytes())
		}
		for _, encoded := range []string{
			string(secret), hex.EncodeToString(secret), base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret[7:90]),
			base32.StdEncoding.EncodeToString(secret),
		} {
			if !leaks([]byte(`{"result":"`+encoded+`"}`), secret, public...) {
				t.Errorf("%s would be sent unnoticed", name)
			}
		}
	}
}
