package cmd_test

import (
	"context"
	"fmt"
	"os"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// jot writes a note into the caller's own record, and reads all of it.
func jot(ctx context.Context, home *client.Home, node protocol.URL, text string) ([]chart.Record, error) {
	c, err := client.Dial(ctx, client.Config{Home: home, Node: node})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.RegisterPatient(ctx); err != nil { // nothing happens if that is done already
		return nil, err
	}
	book, err := c.Book(ctx, c.GID(), ledger.Health)
	if err != nil {
		return nil, err
	}
	note := client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(text)}
	if _, err := book.Write(ctx, []client.Draft{note}, nil); err != nil {
		return nil, err
	}
	return book.Records(ctx)
}

// A patient writes and reads, through a node in the same process.
func Example() {
	dir, err := os.MkdirTemp("", "phr-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	n, err := node.Start(ctx, node.Config{Dir: dir, Listen: "127.0.0.1:0"})
	if err != nil {
		panic(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	defer func() {
		cancel()
		<-done
		n.Close()
	}()
	<-n.Ready()

	home, err := client.NewHome() // in memory; client.CreateHome keeps it on disk, under a passphrase
	if err != nil {
		panic(err)
	}
	records, err := jot(ctx, home, n.URL(), "slept badly")
	if err != nil {
		panic(err)
	}
	for _, r := range records {
		fmt.Printf("%s in %s: %s\n", r.Class, r.Compartment, r.Body)
	}
	// Output: note in health: slept badly
}
