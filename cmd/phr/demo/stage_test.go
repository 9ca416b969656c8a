package demo_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/cmd/phr/demo"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/web"
)

func TestMain(m *testing.M) {
	keystore.Native = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 4} // nobody guesses the passphrases of tests
	os.Exit(m.Run())
}

// visitor is a test that comes to the stage as a page does.
type visitor struct {
	*testing.T
	url  string
	node protocol.URL
}

// onStage opens a stage for as long as the test lasts.
func onStage(t *testing.T) *visitor {
	t.Helper()
	build, err := web.Open(t.Context(), nil)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := demo.Stage(ctx, demo.StageOptions{Out: in, JSON: true, Listen: "127.0.0.1:0", Build: build, Log: slog.New(slog.DiscardHandler)})
		in.CloseWithError(err)
		done <- err
	}()
	t.Cleanup(func() {
		stop()
		must(t, <-done)
	})
	var opened struct{ URL string }
	must(t, json.NewDecoder(bufio.NewReader(out)).Decode(&opened))
	return &visitor{T: t, url: strings.TrimSuffix(opened.URL, "/")}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask asks the stage as its own page does.
func (v *visitor) ask(method, path string) []byte {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), method, v.url+path, nil)
	must(v.T, err)
	r.Header.Set("Origin", v.url)
	answer, err := http.DefaultClient.Do(r)
	must(v.T, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(v.T, err)
	if answer.StatusCode != http.StatusOK {
		v.Fatalf("%s %s: %s", method, path, answer.Status)
	}
	return body
}

// logIn becomes one of the sample people.
func (v *visitor) logIn(id string) *client.Client {
	v.Helper()
	handed, err := base64.StdEncoding.DecodeString(string(v.ask(http.MethodPost, "/demo/people/"+id)))
	must(v.T, err)
	home, err := client.AdoptHome(filepath.Join(v.TempDir(), id), []byte("a page keeps it in memory"), handed, nil)
	must(v.T, err)
	c, err := client.Dial(v.Context(), client.Config{Home: home, Node: v.node})
	must(v.T, err)
	v.Cleanup(c.Close)
	return c
}

// readable returns how many records somebody reads of each compartment of a patient.
func (v *visitor) readable(c, patient *client.Client) map[ledger.Compartment]int {
	v.Helper()
	all := make(map[ledger.Compartment]int)
	books, err := c.Readable(v.Context(), patient.GID())
	if errors.Is(err, client.ErrNotShared) {
		return all
	}
	must(v.T, err)
	for _, b := range books {
		records, err := b.Records(v.Context())
		must(v.T, err)
		for _, r := range records {
			if r.Unreadable == "" {
				all[b.Compartment()]++
			}
		}
	}
	return all
}

// The sample people can be logged in as, and see what the story says.
func TestStage(t *testing.T) {
	v := onStage(t)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	var about struct {
		Node   string
		People []web.Person
	}
	must(t, json.Unmarshal(v.ask(http.MethodGet, "/about.json"), &about))
	var err error
	v.node, err = protocol.ParseURL(about.Node)
	must(t, err)
	if len(about.People) != 9 || about.People[0].ID != "amara" || about.People[0].Role != "patient" {
		t.Errorf("the people: %+v", about.People)
	}
	people := make(map[string]*client.Client)
	for _, p := range about.People {
		people[p.ID] = v.logIn(p.ID)
	}
	amara, ben := people["amara"], people["ben"]
	own := v.readable(amara, amara)
	if own[ledger.Health] < 90 || own[ledger.Training] < 70 || own["claims"] != 3 || own["work"] != 2 || own["emergency"] != 2 {
		t.Errorf("Amara reads %v", own)
	}
	for id, want := range map[string]map[ledger.Compartment]int{
		"okafor": {ledger.Health: own[ledger.Health]}, "leo": {ledger.Training: own[ledger.Training]}, "ida": {"claims": 3}, "hugo": {"work": 2},
		"lindqvist": {}, "chen": {}, "nadia": {}, "ben": {},
	} {
		if got := v.readable(people[id], amara); !maps.Equal(got, want) {
			t.Errorf("%s reads %v of Amara, want %v", id, got, want)
		}
	}
	if got := v.readable(people["okafor"], ben); got[ledger.Health] != 3 {
		t.Errorf("Dr. Okafor reads %v of Ben", got)
	}
	entries := 0
	err = people["nadia"].Log(t.Context(), func(some []stream.Entry) error {
		entries += len(some)
		return nil
	})
	if err != nil || entries < 100 {
		t.Errorf("the auditor reads %d entries, %v", entries, err)
	}
	v.emergency(people["lindqvist"], people["chen"], amara)
}

// emergency has a doctor open what Amara put ready, once the supervisor approves.
func (v *visitor) emergency(doctor, supervisor, amara *client.Client) {
	v.Helper()
	asked, err := doctor.RequestEmergency(v.Context(), client.EmergencyRequest{
		Patient: amara.GID(), Compartment: "emergency", Reason: "unconscious, in resuscitation room 2",
	})
	must(v.T, err)
	_, err = supervisor.ApproveEmergency(v.Context(), amara.GID(), asked.ID())
	must(v.T, err)
	_, err = doctor.AwaitEmergency(v.Context(), amara.GID(), asked.ID(), nil)
	must(v.T, err)
	if got := v.readable(doctor, amara); got["emergency"] != 2 {
		v.Errorf("in an emergency the doctor reads %v", got)
	}
}
