package client_test

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// BenchmarkRevocationEndsSessions is from the moment an attribute's next version is sent to the log until a session resting on it
// has lost its connection, and until the first challenge is refused; beside an event on the same chain that ends nothing.
func BenchmarkRevocationEndsSessions(b *testing.B) {
	w := newWorld(b)
	hospital, maria, ruiz := w.authority("city-hospital"), w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(ruiz, maria, ledger.Health)
	chain := ledger.AuthorityChain("city-hospital")
	beside := w.connect(hospital.Home())
	var closed, refused, plain time.Duration
	version, others := uint32(1), 0
	for b.Loop() {
		others++
		begun := time.Now()
		w.say(beside, chain, &ledger.AttributeDefined{Name: fmt.Sprintf("other%d", others)})
		plain += time.Since(begun)

		w.clock.forward(time.Minute)
		held, err := his.Hold(w.ctx, ledger.OpWrite)
		must(b, err)
		version++
		begun = time.Now()
		w.say(beside, chain, &ledger.AttributeVersioned{Name: "doctor", Version: version})
		told := make(chan time.Duration)
		go func() {
			<-held.Ended()
			told <- time.Since(begun)
		}()
		if err := his.Force(w.ctx, ledger.OpWrite, granted.Term.ID); err == nil {
			b.Fatal("a session was opened on the old version")
		}
		refused += time.Since(begun)
		closed += <-told
		w.awaitIssued(hospital, "doctor", version)
	}
	n := time.Duration(b.N)
	b.ReportMetric(float64((plain/n).Microseconds())/1000, "ms/event")
	b.ReportMetric(float64((closed/n).Microseconds())/1000, "ms-to-closed")
	b.ReportMetric(float64((refused/n).Microseconds())/1000, "ms-to-refused")
}

// BenchmarkRevocationReissue is the re-issue of an attribute to all its holders, each key on the log, beside the bare generation and
// sealing of as many keys on all cores in the same run. It aims at twice that.
func BenchmarkRevocationReissue(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				w := newWorld(b)
				hospital := w.unserved(b)
				people := make([]*identity.Identity, n)
				gids := make([]identity.GID, n)
				for i := range people {
					people[i] = newHome(b).Identity()
					gids[i] = people[i].GID()
				}
				for len(people) > 0 {
					some := people[:min(150, len(people))]
					w.clock.forward(5 * time.Second) // nobody says that there are too many newcomers
					must(b, hospital.RegisterPeople(w.ctx, some...))
					people = people[len(some):]
				}
				must(b, hospital.EnrolWithoutKeys(w.ctx, "doctor", gids...))
				bare := bareIssue(b, n)
				b.StartTimer()
				begun := time.Now()
				done, err := hospital.Reissue(w.ctx, nil)
				took := time.Since(begun)
				if err != nil || done != n {
					b.Fatalf("%d keys, %v", done, err)
				}
				b.ReportMetric(took.Seconds(), "s/reissue")
				b.ReportMetric(bare.Seconds(), "s/bare")
				b.ReportMetric(took.Seconds()/bare.Seconds(), "times-bare")
			}
		})
	}
}

// unserved is a hospital whose program does not serve.
func (w *world) unserved(b *testing.B) *client.Client {
	c := w.person()
	_, err := c.FoundAuthority(w.ctx, "still-hospital", ledger.Hospital)
	must(b, err)
	for {
		if _, err := c.Authority(w.ctx, "still-hospital"); err == nil {
			return c
		}
		must(b, w.ctx.Err())
	}
}

// bareIssue makes and seals n attribute keys on all cores.
func bareIssue(b *testing.B, n int) time.Duration {
	master, err := abe.GenerateMasterKey(rand.Reader, "still-hospital")
	must(b, err)
	holder := newHome(b).Identity()
	begun := time.Now()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for range n {
		g.Go(func() error {
			key, err := master.Issue(rand.Reader, string(holder.GID()), "doctor", 1)
			if err != nil {
				return err
			}
			_, err = holder.Keys().SealTo(ledger.IssueInfo, nil, key.Bytes())
			return err
		})
	}
	must(b, g.Wait())
	return time.Since(begun)
}
