package agent_test

import (
	"errors"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
)

// FuzzRequest: whatever comes over the socket, the agent answers or hangs up.
func FuzzRequest(f *testing.F) {
	home, dir := createHome(f)
	s := agent.NewServer(agent.Config{Home: home, Dir: dir, Open: func([]byte) (*client.Home, error) { return nil, errors.New("no") }})
	for _, op := range []string{
		"who", "status", "unlock", "sign-event", "sign-hello", "sign-answer", "open", "enrol", "attributes", "keep", "decapsulate",
		"issue", "seal", "unseal", "node", "set-node", "",
	} {
		f.Add(agent.Message(op, agent.Bytes([]byte("bytes"))))
	}
	e := event(home.GID())
	f.Add(agent.Message("sign-event", agent.Bytes(must(e.Marshal()))))
	f.Add(agent.Message("sign-hello", agent.Bytes(hello(home.GID()))))
	f.Add(agent.Message("decapsulate", agent.Decapsulate("wrap", nil, []byte("ciphertext"))))
	f.Fuzz(func(t *testing.T, message []byte) { s.Answer(message) })
}
