package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger/protocol"
)

// homeDir returns where the caller's keys are.
func (e *env) homeDir() (string, error) {
	if e.home != "" {
		return e.home, nil
	}
	if dir := e.getenv("PHR_HOME"); dir != "" {
		return dir, nil
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", &hinted{err, "name a directory with --home"}
	}
	return filepath.Join(user, ".phr"), nil
}

// hasIdentity tells whether somebody's keys are kept in a directory.
func hasIdentity(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "keystore"))
	return !errors.Is(err, os.ErrNotExist)
}

func noIdentity(dir string) error {
	return &hinted{fmt.Errorf("there is no identity in %s", dir), "make one with 'phr id create', or name another home with --home"}
}

// newHomeDir returns where the caller's keys will be. There are none yet.
func (e *env) newHomeDir() (string, error) {
	dir, err := e.homeDir()
	if err == nil && hasIdentity(dir) {
		err = &hinted{fmt.Errorf("there is an identity in %s already", dir), "use it, or name another home with --home"}
	}
	return dir, err
}

// open opens the caller's home: by an agent that holds its keys, unless a passphrase is named or the verb needs the keystore
// itself; else by its passphrase. The caller closes it.
func (e *env) open() (*client.Home, error) {
	dir, err := e.homeDir()
	if err != nil {
		return nil, err
	}
	if !hasIdentity(dir) {
		// Before anybody is asked for a passphrase.
		return nil, noIdentity(dir)
	}
	if !e.direct && e.passphraseFile == "" {
		if h, err := e.openWithAgent(dir); h != nil || err != nil {
			return h, err
		}
	}
	passphrase, err := e.passphrase(false)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return client.OpenHome(dir, passphrase)
}

// passphrase reads the passphrase from the file named, or asks for it, twice where it is a new one. It is never taken from
// an argument or a variable: other programs of the machine see those.
func (e *env) passphrase(isNew bool) ([]byte, error) {
	switch {
	case e.passphraseFile != "":
		return passphraseFrom(e.passphraseFile)
	case isNew:
		return e.askTwice("Passphrase: ")
	}
	return e.ask("Passphrase: ")
}

// askTwice asks for a secret that is new.
func (e *env) askTwice(prompt string) ([]byte, error) {
	first, err := e.ask(prompt)
	if err != nil {
		return nil, err
	}
	again, err := e.ask("The same again: ")
	if err != nil {
		return nil, err
	}
	defer clear(again)
	if !bytes.Equal(first, again) {
		return nil, errors.New("the two passphrases are not the same")
	}
	return first, nil
}

func passphraseFrom(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	defer f.Close()
	first, err := bufio.NewReader(io.LimitReader(f, 4096)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the passphrase: %w", err)
	}
	if first = bytes.TrimRight(first, "\r\n"); len(first) == 0 {
		return nil, fmt.Errorf("reading the passphrase: the first line of %s is empty", path)
	}
	return first, nil
}

// ask asks for a secret on the terminal, which does not show it.
func (e *env) ask(prompt string) ([]byte, error) {
	tty, done, err := e.terminal()
	if err != nil {
		return nil, &hinted{errors.New("there is no terminal to ask for the passphrase on"), "name a file with --passphrase-file"}
	}
	defer done()
	fmt.Fprint(e.stderr, prompt)
	secret, err := term.ReadPassword(int(tty.Fd()))
	fmt.Fprintln(e.stderr)
	if err != nil {
		return nil, fmt.Errorf("asking for the passphrase: %w", err)
	}
	if len(secret) == 0 {
		return nil, errors.New("the passphrase is empty")
	}
	return secret, nil
}

// terminal returns the person's terminal, which is not standard input where that is a file.
func (e *env) terminal() (tty *os.File, done func(), err error) {
	if isTerminal(e.stdin) {
		return e.stdin.(*os.File), func() {}, nil
	}
	if tty, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
		return nil, nil, err
	}
	return tty, func() { tty.Close() }, nil
}

// answer asks on the terminal that standard input is, and returns the line that is typed.
func (e *env) answer(prompt string) (string, error) {
	fmt.Fprint(e.stderr, prompt)
	line, err := bufio.NewReader(io.LimitReader(e.stdin, 4096)).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("asking: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// dial opens the caller's home and connects to the node, which the home then remembers. The caller hangs up.
func (e *env) dial(ctx context.Context) (*client.Client, error) {
	h, err := e.open()
	if err != nil {
		return nil, err
	}
	c, err := e.connect(ctx, h)
	if err != nil {
		h.Close()
		return nil, err
	}
	for _, tell := range []func(context.Context, *client.Client) error{e.warnOfRecovery, e.tellNewcomers} {
		if err := tell(ctx, c); err != nil {
			hangUp(c)
			return nil, err
		}
	}
	return c, nil
}

// nodeURL returns which node is meant: the one named, or that a home has used last.
func (e *env) nodeURL(h *client.Home) (protocol.URL, error) {
	text := cmp.Or(e.node, e.getenv("PHR_NODE"), h.Node())
	if text == "" {
		return protocol.URL{}, &hinted{errors.New("no node is named, and none was used before"), "give --node the URL that 'phr node' prints"}
	}
	return protocol.ParseURL(text)
}

func (e *env) connect(ctx context.Context, h *client.Home) (*client.Client, error) {
	url, err := e.nodeURL(h)
	if err != nil {
		return nil, err
	}
	if err := e.attainable(h); err != nil {
		return nil, err
	}
	c, err := client.Dial(ctx, client.Config{Home: h, Node: url, Log: e.log()})
	if err != nil {
		return nil, &hinted{err, "see that the node runs, and that its URL is the one it prints"}
	}
	if err := h.SetNode(url.String()); err != nil {
		c.Close()
		return nil, err
	}
	e.client = c
	return c, nil
}

// hangUp closes the connection and the home.
func hangUp(c *client.Client) {
	c.Close()
	c.Home().Close()
}

// log returns where a verb logs: nowhere, unless it serves or was asked to tell more.
func (e *env) log() *slog.Logger {
	level := slog.LevelInfo
	switch {
	case e.verbose:
		level = slog.LevelDebug
	case !e.serving:
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: level}))
}
