// Phr keeps personal health records on a server that cannot read them. It is the ledger node, and the program of everybody
// who uses one: patients, doctors, trainers, representatives, authorities and auditors. 'phr help' lists what it does.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/phrledger/phr/client"
)

func main() { os.Exit(mainCode()) }

// mainCode is main with the exit code for a result, so that deferred calls are made.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	return e.report(run(ctx, e, os.Args[1:]))
}

// env is the world as a verb sees it, with what the flags that all verbs share have set. It is for one run.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	verb           *verb // that is run
	home           string
	node           string
	passphraseFile string
	direct         bool // the verb needs the keystore itself: no agent will do
	json           bool
	verbose        bool
	serving        bool             // the verb runs until it is interrupted: what it logs is told anyway
	wait           client.Level     // how durable what is written has to be
	client         *client.Client   // that was dialed last; nil before
	stale          *client.Unproven // what is shown may be old
}

// run finds the verb that args begin with and runs it.
func run(ctx context.Context, e *env, args []string) error {
	v, rest, err := find(args)
	if err != nil {
		return err
	}
	e.verb = v
	err = v.run(ctx, e, rest)
	if e.client != nil && e.client.Restored() > 0 {
		e.note("The node had lost %s of yours, and has them again.", plural(e.client.Restored(), "event"))
	}
	return err
}
