package node_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/phrledger/phr/ledger/node"
)

// A node runs until it is told to stop.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := node.Start(ctx, node.Config{Dir: "/var/lib/phr", Listen: "127.0.0.1:4222"})
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		<-n.Ready()
		fmt.Println(n.URL())
	}()
	if err := n.Run(ctx); err != nil {
		log.Print(err)
	}
	if err := n.Close(); err != nil {
		log.Print(err)
	}
}
