package challenge_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
)

func TestExchange(t *testing.T) {
	w := newWorld()
	for _, test := range []struct {
		name    string
		person  *person
		request challenge.Request
		touched int
	}{
		{"login", w.maria, login, 0},
		{"login of somebody with no rights", w.eve, login, 0},
		{"reading", w.ruiz, w.reading(w.review), 1},
		{"reading under a term to write", w.ruiz, w.reading(w.treat), 1},
		{"writing", w.leo, w.writing(w.treat), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld()
			at := w.nodes[0]
			c := w.client(test.person, at, test.request)
			x, err := w.upTo(4, c, w.gate(at), at, noon)
			if err != nil {
				t.Fatal(err)
			}
			s := x.session
			user := must(c.user.PublicKey())
			if s.GID() != test.person.GID() || s.User() != user || s.Operation() != test.request.Operation ||
				s.Patient() != test.request.Patient || s.Chain() != test.request.Chain() {
				t.Errorf("the session is %+v", s)
			}
			if want := noon.Add(10 * time.Minute); !s.Expires().Equal(want) {
				t.Errorf("it expires %s, want %s", s.Expires(), want)
			}
			if x.grant.JWT != "jwt for "+user || x.grant.Session != s.ID() || x.grant.Expires != s.Expires().UnixMilli() {
				t.Errorf("the grant is %+v", x.grant)
			}
			if c.touched != test.touched {
				t.Errorf("attribute keys were used %d times, want %d", c.touched, test.touched)
			}
			if shown, ok := w.log.Session(s.ID()); ok != (test.request.Patient != "") || ok && shown.GID != s.GID() {
				t.Errorf("the log shows %+v", shown)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld()
	ending := w.treat
	newID(&ending.ID)
	ending.Until = noon.Add(2 * time.Minute).UnixMilli()
	setTerms(w.log, w.maria, w.treat, w.review, ending)
	at := w.nodes[0]
	r := w.reading(ending)
	x, err := w.upTo(4, w.client(w.ruiz, at, r), w.gate(at), at, noon)
	if err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(2 * time.Minute); !x.session.Expires().Equal(want) {
		t.Errorf("the session expires %s, its term %s", x.session.Expires(), want)
	}
}
