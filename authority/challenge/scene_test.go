package challenge_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
)

// message is one that somebody honest sent. The adversary keeps every one of them and may deliver it to whom it likes, as
// often as it likes, in any order, or never.
type message struct {
	kind    int    // M1 … M4
	name    string // tells it from every other in this scene
	data    []byte
	client  int      // whose exchange it belongs to
	gate    int      // who made it, or for whom it was made
	of      *message // what it answers
	expires time.Time
}

// scene is two gates, clients who want something of one of them, and an adversary in between who is registered herself and
// has a gate of her own that nobody asked for. What happens in it is judged at each step.
type scene struct {
	*world
	now     time.Time
	clients []*client
	meant   []int // the gate that a client wants
	gates   []*challenge.Gate
	mail    []*message
	done    []string // what was accepted by whom: two scenes with the same list are alike
	forger  *forger
}

// newScene sets clients of the given people before the gates that they want.
func (w *world) newScene(people []*person, meant []int, r challenge.Request) *scene {
	s := &scene{world: w, now: noon, meant: meant, forger: newForger(w)}
	for i, p := range people {
		s.clients = append(s.clients, w.client(p, w.nodes[meant[i]], r))
	}
	for _, n := range w.nodes {
		s.gates = append(s.gates, w.gate(n))
	}
	return s
}

// renewing gives each client a session, which it is then about to renew.
func (s *scene) renewing(people []*person) {
	for i, c := range s.clients {
		s.clients[i] = s.world.renewing(people[i], s.nodes[s.meant[i]], c, s.world.open(c, s.nodes[s.meant[i]]))
	}
}

func (s *scene) clone() *scene {
	c := *s
	c.clients = slices.Clone(s.clients)
	for i, original := range s.clients {
		copied := *original
		copied.Client = original.Clone()
		c.clients[i] = &copied
	}
	c.gates = slices.Clone(s.gates)
	for i, g := range s.gates {
		c.gates[i] = g.Clone()
	}
	c.mail, c.done = slices.Clip(s.mail), slices.Clip(s.done)
	return &c
}

// alike names the state of a scene but for what chance drew.
func (s *scene) alike() string {
	done := slices.Sorted(slices.Values(s.done))
	return strings.Join(done, "\n")
}

func (s *scene) happened(format string, args ...any) string {
	name := fmt.Sprintf(format, args...)
	s.done = append(s.done, name)
	return name
}

func (s *scene) twice(name string) bool { return slices.Contains(s.done, name) }

// hello lets a client begin.
func (s *scene) hello(i int) bool {
	m1, err := s.clients[i].Hello(s.now)
	if err != nil {
		return false
	}
	s.mail = append(s.mail, &message{kind: 1, name: s.happened("M1 of client %d", i), data: m1, client: i, gate: s.meant[i]})
	return true
}

// deliver gives a message, as it was sent or changed into data, to a gate or a client. It reports whether the receiver went
// on, and fails if it must not have.
func (s *scene) deliver(m *message, data []byte, to int) (bool, error) {
	switch m.kind {
	case 1:
		return s.deliverHello(m, data, to)
	case 2:
		return s.deliverChallenge(m, data, to)
	case 3:
		return s.deliverAnswer(m, data, to)
	default:
		return s.deliverGrant(m, data, to)
	}
}

func (s *scene) receivers(m *message) int {
	if m.kind%2 == 1 {
		return len(s.gates)
	}
	return len(s.clients)
}

func (s *scene) deliverHello(m *message, data []byte, to int) (bool, error) {
	m2, err := s.gates[to].Hello(s.now, s.log, data)
	if err != nil {
		return false, nil
	}
	name := fmt.Sprintf("M2 of gate %d to %s", to, m.name)
	switch {
	case !bytes.Equal(data, m.data):
		return true, violation("gate %d challenges for a hello that nobody made, of %s", to, m.name)
	case to != m.gate:
		return true, violation("gate %d challenges for %s, which is for gate %d", to, m.name, m.gate)
	case s.twice(name):
		return true, violation("%s a second time", name)
	}
	s.happened("%s", name)
	s.mail = append(s.mail, &message{kind: 2, name: name, data: m2, client: m.client, gate: to, of: m, expires: s.now.Add(challenge.MaxAge)})
	return true, nil
}

func (s *scene) deliverChallenge(m *message, data []byte, to int) (bool, error) {
	c := s.clients[to]
	before := c.touched
	m3, err := c.Answer(s.now, data)
	if err != nil && c.touched == before {
		return false, nil
	}
	name := fmt.Sprintf("M3 of client %d", to)
	switch {
	case !bytes.Equal(data, m.data):
		return true, violation("client %d opens or answers a challenge that no gate made, of %s", to, m.name)
	case to != m.client || m.gate != s.meant[to]:
		return true, violation("client %d opens or answers %s", to, m.name)
	case err != nil:
		return true, violation("client %d can't answer %s: %w", to, m.name, detail(err))
	case s.twice(name):
		return true, violation("%s a second time", name)
	}
	s.happened("%s", name)
	s.mail = append(s.mail, &message{kind: 3, name: name, data: m3, client: to, gate: m.gate, of: m, expires: m.expires})
	return true, nil
}

func (s *scene) deliverAnswer(m *message, data []byte, to int) (bool, error) {
	g := s.gates[to]
	v, err := g.Answer(s.now, s.log, data)
	if err != nil {
		return false, nil
	}
	name, c := fmt.Sprintf("M4 to client %d", m.client), s.clients[m.client]
	o := v.Opened()
	switch {
	case !bytes.Equal(data, m.data):
		return true, violation("gate %d opens a session for an answer that nobody gave, of %s", to, m.name)
	case to != m.gate:
		return true, violation("gate %d opens a session for an answer to gate %d", to, m.gate)
	case s.twice(name):
		return true, violation("a second session for %s", m.name)
	case o.User != must(c.user.PublicKey()) || !s.asked(m.client, o, v):
		return true, violation("%s opens a session that it is not for: %+v", m.name, o)
	case s.now.After(m.expires):
		return true, violation("a session for %s, which is too late", m.name)
	}
	logged := &ledger.Event{Chain: ledger.RecordChain(v.Patient(), ledger.Access), Body: v.Statement()}
	_, m4, err := g.Seal(v, logged, grantFor(v))
	if err != nil {
		return true, err
	}
	s.happened("%s", name)
	s.mail = append(s.mail, &message{kind: 4, name: name, data: m4, client: m.client, gate: to, of: m})
	return true, nil
}

// asked tells whether a session is what the client's person asked for.
func (s *scene) asked(client int, o *ledger.SessionOpened, v *challenge.Verified) bool {
	h := must(challenge.ParseHello(s.first(client).data))
	r := h.Request
	same := v.Renews() != h.Renews.IsZero() && (h.Renews.IsZero() || o.Session == h.Renews)
	same = same && o.GID == h.GID && o.Operation == r.Operation && v.Patient() == r.Patient
	for _, t := range r.Targets {
		same = same && o.Compartment == t.Compartment && o.Term == t.Term
	}
	return same
}

func (s *scene) first(client int) *message {
	i := slices.IndexFunc(s.mail, func(m *message) bool { return m.kind == 1 && m.client == client })
	return s.mail[i]
}

func (s *scene) deliverGrant(m *message, data []byte, to int) (bool, error) {
	g, err := s.clients[to].Open(data)
	if err != nil {
		return false, nil
	}
	switch {
	case !bytes.Equal(data, m.data):
		return true, violation("client %d opens a grant that no gate gave, of %s", to, m.name)
	case to != m.client:
		return true, violation("client %d opens %s", to, m.name)
	case g.JWT != "jwt for "+must(s.clients[to].user.PublicKey()):
		return true, violation("client %d gets a JWT for somebody else", to)
	}
	if name := fmt.Sprintf("client %d has its session", to); !s.twice(name) {
		s.happened("%s", name)
		return true, nil
	}
	return false, nil // reading a grant again changes nothing
}

// forget lets a restarted gate challenge anew for hellos that it no longer knows.
func (s *scene) forget(gate int) {
	prefix := fmt.Sprintf("M2 of gate %d ", gate)
	s.done = slices.DeleteFunc(s.done, func(name string) bool { return strings.HasPrefix(name, prefix) })
}
