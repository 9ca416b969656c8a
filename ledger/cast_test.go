package ledger_test

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// person is somebody who signs events.
type person struct {
	*identity.Identity
	recovery *identity.Recovery
	master   *abe.MasterKey   // of their authority, if they are one
	speaks   policy.Authority // its name
}

// people are the cast of every test, the same in all of them.
type people struct {
	root, node                                   *person
	registry, hospital, clinic, club             *person
	insurer, employer                            *person
	patient, other                               *person // both are patients
	doctor, nurse, trainer, agent, clerk, nobody *person // nobody holds an attribute
}

var cast = sync.OnceValue(func() people {
	return people{
		root: newPerson("root"), node: newPerson("node"),
		registry: newFounder("registry", "phr"), hospital: newFounder("hospital", "city-hospital"), clinic: newFounder("clinic", "old-clinic"),
		club: newFounder("club", "city-club"), insurer: newFounder("insurer", "acme-insurance"), employer: newFounder("employer", "initech"),
		patient: newPatient("patient"), other: newPatient("other"),
		doctor: newPerson("doctor"), nurse: newPerson("nurse"), trainer: newPerson("trainer"), agent: newPerson("agent"),
		clerk: newPerson("clerk"), nobody: newPerson("nobody"),
	}
})

func newPerson(name string) *person {
	id, recovery := must2(identity.Generate(stream(name)))
	return &person{Identity: id, recovery: recovery}
}

func newFounder(name string, authority policy.Authority) *person {
	p := newPerson(name)
	p.speaks, p.master = authority, must(abe.GenerateMasterKey(stream(name+" master"), authority))
	return p
}

func newPatient(name string) *person {
	p := newPerson(name)
	p.speaks = policy.Authority(p.GID())
	p.master = must(abe.GenerateMasterKey(stream(name+" master"), p.speaks))
	return p
}

// stream is an endless random source, always the same for a seed.
func stream(seed string) io.Reader { return rand.NewChaCha8(sha256.Sum256([]byte(seed))) }

// sealed is a record's body as epoch.Seal makes it, and its bucket.
var sealed = sync.OnceValues(func() ([]byte, uint32) {
	r := stream("record")
	b := must(epoch.Seal(r, must(epoch.Generate(r)), must(epoch.NewShred(r)), epoch.Header{Version: 1, Epoch: 1}, []byte(`{"resourceType":"Observation"}`)))
	return b, uint32(must(epoch.Bucket(b)))
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func must2[T, U any](v T, u U, err error) (T, U) {
	if err != nil {
		panic(err)
	}
	return v, u
}
