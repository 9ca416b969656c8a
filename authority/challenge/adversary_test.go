package challenge_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/authority/challenge"
)

// step is one thing that may happen next in a scene.
type step func(*scene) (went bool, err error)

// steps returns all that may happen: a client begins, or the adversary delivers one of the messages, as it is or changed.
func (s *scene) steps() (all []step) {
	for i := range s.clients {
		all = append(all, func(s *scene) (bool, error) { return s.hello(i), nil })
	}
	for _, m := range s.mail {
		for _, data := range append([][]byte{m.data}, s.forger.forge(m, s.mail)...) {
			for to := range s.receivers(m) {
				all = append(all, func(s *scene) (bool, error) { return s.deliver(m, data, to) })
			}
		}
	}
	return all
}

// explore takes every step from here, and from wherever it leads, and returns the first violation. Scenes that are alike but
// for what chance drew are entered once. It counts scenes and steps.
func (s *scene) explore(seen map[string]bool, steps *int) error {
	for _, step := range s.steps() {
		*steps++
		next := s.clone()
		went, err := step(next)
		if err != nil {
			return err
		}
		if key := next.alike(); went && !seen[key] {
			seen[key] = true
			if err := next.explore(seen, steps); err != nil {
				return err
			}
		}
	}
	return nil
}

// settings are the ways to set two clients before two gates.
var settings = []struct {
	name    string
	people  func(*cast) []*person
	meant   []int
	request func(*world) challenge.Request
	renews  bool
}{
	{"two people, one gate", theDoctors, []int{0, 0}, loggingIn, false},
	{"one person, two gates", oneDoctor, []int{0, 1}, loggingIn, false},
	{"two people, two gates", theDoctors, []int{0, 1}, loggingIn, false},
	{"two people reading, one gate", theDoctors, []int{0, 0}, func(w *world) challenge.Request { return w.reading(w.review) }, false},
	{"one person renewing two sessions, one gate", oneDoctor, []int{0, 0}, func(w *world) challenge.Request { return w.reading(w.review) }, true},
}

func theDoctors(c *cast) []*person { return []*person{c.ruiz, c.leo} }

func oneDoctor(c *cast) []*person { return []*person{c.ruiz, c.ruiz} }

func loggingIn(*world) challenge.Request { return login }

// exploration searches every interleaving of two exchanges in one setting, with everything an adversary does in between.
func exploration(setting int) func(*world) error {
	return func(w *world) error {
		_, _, err := w.exploreSetting(setting)
		return err
	}
}

func (w *world) exploreSetting(i int) (scenes, steps int, err error) {
	seen := make(map[string]bool)
	s := w.newScene(settings[i].people(w.cast), settings[i].meant, settings[i].request(w))
	if settings[i].renews {
		s.renewing(settings[i].people(w.cast))
	}
	err = s.explore(seen, &steps)
	return len(seen), steps, err
}

func TestBoundedAdversary(t *testing.T) {
	for i, setting := range settings {
		t.Run(setting.name, func(t *testing.T) {
			scenes, steps, err := newWorld().exploreSetting(i)
			if err != nil {
				t.Fatal(err)
			}
			// Five things happen in each exchange, in order, and independently of the other's.
			if scenes != 6*6-1 {
				t.Errorf("%d scenes, want %d", scenes, 6*6-1)
			}
			t.Logf("%d scenes, %d steps", scenes, steps)
		})
	}
}

// TestRandomAdversary goes further where all steps are too many: more clients, attribute keys, time that passes, and gates
// that are restarted.
func TestRandomAdversary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		request := rapid.SampledFrom([]challenge.Request{login, login, login, w.reading(w.review), w.writing(w.treat)}).Draw(t, "request")
		s := w.newScene([]*person{w.ruiz, w.leo, w.ruiz}, []int{0, 0, 1}, request)
		t.Repeat(map[string]func(*rapid.T){
			"hello": func(t *rapid.T) { s.hello(rapid.IntRange(0, len(s.clients)-1).Draw(t, "client")) },
			"deliver": func(t *rapid.T) {
				m, to := s.pick(t)
				check(t, s, m, m.data, to)
			},
			"proceed": func(t *rapid.T) {
				if len(s.mail) == 0 {
					t.Skip("nobody has sent anything")
				}
				m := s.mail[len(s.mail)-1]
				to := m.client
				if m.kind%2 == 1 {
					to = m.gate
				}
				check(t, s, m, m.data, to)
			},
			"forge": func(t *rapid.T) {
				m, to := s.pick(t)
				check(t, s, m, rapid.SampledFrom(s.forger.forge(m, s.mail)).Draw(t, "forged"), to)
			},
			"wait": func(t *rapid.T) {
				s.now = s.now.Add(time.Duration(rapid.IntRange(1, 40).Draw(t, "seconds")) * time.Second)
			},
			"restart": func(t *rapid.T) {
				i := rapid.IntRange(0, len(s.gates)-1).Draw(t, "gate")
				s.gates[i] = w.gate(w.nodes[i])
				s.forget(i)
			},
		})
	})
}

func (s *scene) pick(t *rapid.T) (*message, int) {
	if len(s.mail) == 0 {
		t.Skip("nobody has sent anything")
	}
	m := rapid.SampledFrom(s.mail).Draw(t, "message")
	return m, rapid.IntRange(0, s.receivers(m)-1).Draw(t, "receiver")
}

func check(t *rapid.T, s *scene, m *message, data []byte, to int) {
	if _, err := s.deliver(m, data, to); err != nil {
		t.Fatal(err)
	}
}
