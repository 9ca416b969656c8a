package challenge_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// messages returns the four messages of an exchange to read, with a chain head in the hello.
func messages(w *world) exchange {
	at := w.nodes[0]
	c := w.client(w.ruiz, at, w.reading(w.review), head(w.log, health(w.maria)))
	x, err := w.upTo(4, c, w.gate(at), at, noon)
	if err != nil {
		panic(err)
	}
	return x
}

// parsers parse a message and write it again.
var parsers = []func([]byte) ([]byte, error){
	parser(challenge.ParseHello), parser(challenge.ParseChallenge), parser(challenge.ParseAnswer), parser(challenge.ParseSealedGrant),
}

func parser[M interface{ Marshal() ([]byte, error) }](parse func([]byte) (M, error)) func([]byte) ([]byte, error) {
	return func(data []byte) ([]byte, error) {
		m, err := parse(data)
		if err != nil {
			return nil, err
		}
		return m.Marshal()
	}
}

func TestParseIsTheInverseOfMarshal(t *testing.T) {
	x := messages(newWorld())
	for i, data := range [][]byte{x.m1, x.m2, x.m3, x.m4} {
		t.Logf("M%d has %d bytes", i+1, len(data))
		again, err := parsers[i](data)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("M%d: %v", i+1, err)
		}
		for n := range data {
			if n > 200 && n < len(data)-200 {
				continue // inside a key or a ciphertext
			}
			if _, err := parsers[i](data[:n]); !errors.Is(err, challenge.ErrMalformed) {
				t.Errorf("M%d cut to %d bytes: %v", i+1, n, err)
			}
		}
		for name, bad := range map[string][]byte{
			"trailing":   append(bytes.Clone(data), 0),
			"indefinite": append(append([]byte{0xbf}, data[1:]...), 0xff),
			"empty":      {},
			"too large":  make([]byte, 1<<20),
		} {
			if _, err := parsers[i](bad); !errors.Is(err, challenge.ErrMalformed) {
				t.Errorf("M%d, %s: %v", i+1, name, err)
			}
		}
	}
}

func TestMalformedHello(t *testing.T) {
	w := newWorld()
	m1 := messages(w).m1
	for name, change := range map[string]func(*challenge.Hello){
		"version":            func(h *challenge.Hello) { h.Version = 2 },
		"no suites":          func(h *challenge.Hello) { h.Suites = nil },
		"nine suites":        func(h *challenge.Hello) { h.Suites = make([]abe.Suite, 9) },
		"gate":               func(h *challenge.Hello) { h.Gate = "*" },
		"GID":                func(h *challenge.Hello) { h.GID = ">" },
		"short E_C":          func(h *challenge.Hello) { h.Ephemeral = h.Ephemeral[1:] },
		"no U":               func(h *challenge.Hello) { h.User = "" },
		"an account for U":   func(h *challenge.Hello) { h.User = "A" + h.User[1:] },
		"U in lower case":    func(h *challenge.Hello) { h.User = strings.ToLower(h.User) },
		"before 1970":        func(h *challenge.Hello) { h.Time = -1 },
		"short σ_U":          func(h *challenge.Hello) { h.SigUser = h.SigUser[1:] },
		"no σ_id":            func(h *challenge.Hello) { h.SigID = nil },
		"33 heads":           func(h *challenge.Hello) { h.Heads = make([]challenge.Head, challenge.MaxHeads+1) },
		"head of no chain":   func(h *challenge.Hello) { h.Heads[0].Chain = "phr.>" },
		"no patient":         func(h *challenge.Hello) { h.Request.Patient = "" },
		"patient":            func(h *challenge.Hello) { h.Request.Patient = "*" },
		"operation":          func(h *challenge.Hello) { h.Request.Operation = "erase" },
		"no operation":       func(h *challenge.Hello) { h.Request.Operation = "" },
		"no target":          func(h *challenge.Hello) { h.Request.Targets = nil },
		"two targets":        func(h *challenge.Hello) { h.Request.Targets = append(h.Request.Targets, h.Request.Targets[0]) },
		"compartment":        func(h *challenge.Hello) { h.Request.Targets[0].Compartment = "health.>" },
		"access log":         func(h *challenge.Hello) { h.Request.Targets[0].Compartment = ledger.Access },
		"profile":            func(h *challenge.Hello) { h.Request.Targets[0].Compartment = ledger.Profile },
		"no term":            func(h *challenge.Hello) { h.Request.Targets[0].Term = ledger.TermID{} },
		"no time to live":    func(h *challenge.Hello) { h.Request.TTL = 0 },
		"a day to live":      func(h *challenge.Hello) { h.Request.TTL = 86400 },
		"login to a patient": func(h *challenge.Hello) { h.Request.Operation = ledger.OpLogin },
		"login to a target": func(h *challenge.Hello) {
			h.Request.Operation, h.Request.Patient = ledger.OpLogin, ""
		},
	} {
		h := must(challenge.ParseHello(m1))
		change(h)
		if _, err := challenge.ParseHello(must(h.Marshal())); !errors.Is(err, challenge.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMalformedOthers(t *testing.T) {
	x := messages(newWorld())
	c, a := must(challenge.ParseChallenge(x.m2)), must(challenge.ParseAnswer(x.m3))
	for name, change := range map[string]func(*challenge.Challenge){
		"no session":  func(c *challenge.Challenge) { c.Session = ledger.SessionID{} },
		"before 1970": func(c *challenge.Challenge) { c.Expires = -1 },
		"short σ_G":   func(c *challenge.Challenge) { c.Sig = c.Sig[1:] },
		"no σ_G":      func(c *challenge.Challenge) { c.Sig = nil },
	} {
		changed := *c
		change(&changed)
		if _, err := challenge.ParseChallenge(must(changed.Marshal())); !errors.Is(err, challenge.ErrMalformed) {
			t.Errorf("challenge, %s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*challenge.Answer){
		"no session": func(a *challenge.Answer) { a.Session = ledger.SessionID{} },
		"short σ_U":  func(a *challenge.Answer) { a.SigUser = a.SigUser[1:] },
		"no σ_id":    func(a *challenge.Answer) { a.SigID = nil },
	} {
		changed := *a
		change(&changed)
		if _, err := challenge.ParseAnswer(must(changed.Marshal())); !errors.Is(err, challenge.ErrMalformed) {
			t.Errorf("answer, %s: %v", name, err)
		}
	}
}

// TestOnlyOneText sees that nobody learns from an error's text what was wrong.
func TestOnlyOneText(t *testing.T) {
	f := &challenge.Failure{Detail: errors.New("the patient's name")}
	r := &challenge.Refusal{Detail: errors.New("the patient's name"), Proven: "me"}
	for _, err := range []error{f, r} {
		if strings.Contains(err.Error(), "patient") {
			t.Errorf("the text is %q", err)
		}
	}
}

func fuzz(f *testing.F, kind int) {
	x := messages(newWorld())
	f.Add([][]byte{x.m1, x.m2, x.m3, x.m4}[kind-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := parsers[kind-1](data)
		if err == nil && !bytes.Equal(again, data) {
			t.Errorf("accepted %x, writes %x", data, again)
		}
		if err != nil && !errors.Is(err, challenge.ErrMalformed) {
			t.Error(err)
		}
	})
}

func FuzzParseHello(f *testing.F)       { fuzz(f, 1) }
func FuzzParseChallenge(f *testing.F)   { fuzz(f, 2) }
func FuzzParseAnswer(f *testing.F)      { fuzz(f, 3) }
func FuzzParseSealedGrant(f *testing.F) { fuzz(f, 4) }

// Who signs by an identity at hand signs hellos of that identity, and nothing else that is put before them.
func TestHeldSignsHellos(t *testing.T) {
	w := newWorld()
	c := w.client(w.ruiz, w.nodes[0], login)
	m1 := must(c.Hello(noon))
	hello := must(challenge.ParseHello(m1))
	hello.SigUser, hello.SigID = nil, nil
	unsigned := must(hello.Marshal())
	signature, err := challenge.Held{Identity: w.ruiz.Identity}.SignHello(unsigned)
	if again := must(challenge.ParseHello(m1)); err != nil || !bytes.Equal(signature, again.SigID) {
		t.Errorf("another signature than the client's own, or %v", err)
	}
	for name, wrong := range map[string][]byte{
		"nothing": nil, "raw bytes": []byte("sign this"), "a signed hello": m1, "a trailing byte": append(bytes.Clone(unsigned), 0),
	} {
		if _, err := (challenge.Held{Identity: w.ruiz.Identity}).SignHello(wrong); !errors.Is(err, challenge.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	if _, err := (challenge.Held{Identity: w.maria.Identity}).SignHello(unsigned); !errors.Is(err, challenge.ErrMalformed) {
		t.Errorf("a hello of somebody else: %v, want ErrMalformed", err)
	}
}
