package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// Two writers have read the same head of a chain. One of them wins; the other is told, and nothing of its batch is
// stored.
func ExampleLedger_Append() {
	dir, err := os.MkdirTemp("", "phr")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	entry := func(id string) stream.Message {
		return stream.Message{
			Subject: "phr.aa.alice.health.record-written",
			Data:    []byte("sealed"),
			ID:      id,
			Filter:  "phr.aa.alice.health.>",
			LastSeq: 0, // nothing is on the chain yet
			Expect:  true,
		}
	}
	seq, err := server.Ledger().Append(ctx, []stream.Message{entry("one")})
	fmt.Println(seq, err)
	_, err = server.Ledger().Append(ctx, []stream.Message{entry("two")})
	fmt.Println(errors.Is(err, stream.ErrConflict))
	// Output:
	// 1 <nil>
	// true
}

// A service answers over the connection of the node; a guest asks it over one of its own.
func ExampleConn_Request() {
	dir, err := os.MkdirTemp("", "phr")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx, cancel := context.WithCancel(context.Background())
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	listener, err := server.Ledger().Listen("dir.node", "", 4)
	if err != nil {
		log.Fatal(err)
	}
	served := make(chan error)
	go func() {
		served <- listener.Serve(ctx, func(_ context.Context, r *stream.Request) ([]byte, error) {
			if len(r.Data) == 0 {
				return nil, &stream.Error{Code: "empty", Text: "nothing was asked", Hint: "say which node"}
			}
			return append([]byte("about "), r.Data...), nil
		})
	}()
	defer func() { cancel(); <-served }()

	guest, err := stream.Dial(ctx, stream.Options{Dialer: server})
	if err != nil {
		log.Fatal(err)
	}
	defer guest.Close()
	answer, err := guest.Request(ctx, "dir.node", []byte("this one"))
	fmt.Println(string(answer), err)
	_, err = guest.Request(ctx, "dir.node", nil)
	fmt.Println(err)
	// Output:
	// about this one <nil>
	// nothing was asked: say which node
}
