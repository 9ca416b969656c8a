package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// post carries the messages of a pairing between two devices as blocks of text: by files that each side appends to, or by hand.
type post struct {
	e       *env
	in, out string
	taken   int  // blocks that were read
	begun   bool // a block was written
	lines   *bufio.Reader
}

const (
	blockType = "PHR DEVICE MESSAGE"
	blockEnd  = "-----END " + blockType + "-----"
	maxPost   = 64 << 20 // bytes
)

// newPost sets the flags of a verb that exchanges messages.
func newPost(e *env, flags *flag.FlagSet) *post {
	p := &post{e: e}
	flags.StringVar(&p.in, "in", "", "`FILE` that the other device writes its messages to, instead of pasting them")
	flags.StringVar(&p.out, "out", "", "`FILE` for messages to the other device, instead of showing them")
	return p
}

// send gives a message to the other device.
func (p *post) send(message []byte) error {
	block := pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: message})
	if p.out == "" {
		p.e.note("Copy this to the other device:")
		_, err := p.e.stdout.Write(block)
		return err
	}
	mode := os.O_APPEND
	if !p.begun {
		mode = os.O_CREATE | os.O_EXCL // messages of another pairing would be taken for those of this one
	}
	f, err := os.OpenFile(p.out, os.O_WRONLY|mode, 0o600)
	if err != nil {
		return err
	}
	p.begun = true
	_, err = f.Write(block)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing to %s: %w", p.out, err)
	}
	return nil
}

// receive waits for the next message of the other device.
func (p *post) receive(ctx context.Context) ([]byte, error) {
	if p.in == "" {
		p.e.note("Paste what the other device shows:")
		return p.pasted()
	}
	var message []byte
	err := poll(ctx, func() (bool, error) {
		text, err := readAll(p.in)
		if err != nil {
			return false, err
		}
		for n := 0; ; n++ {
			block, rest := pem.Decode(text)
			if block == nil {
				return false, nil
			}
			if n == p.taken {
				message, err = checkBlock(block)
				return true, err
			}
			text = rest
		}
	})
	p.taken++
	if err != nil {
		return nil, fmt.Errorf("waiting for the other device's message in %s: %w", p.in, err)
	}
	return message, nil
}

func checkBlock(block *pem.Block) ([]byte, error) {
	if block.Type != blockType {
		return nil, errors.New("it is a message of something else")
	}
	return block.Bytes, nil
}

// pasted reads a message from standard input.
func (p *post) pasted() ([]byte, error) {
	var text bytes.Buffer
	for {
		line, err := p.line()
		text.WriteString(line)
		if strings.TrimSpace(line) == blockEnd {
			break
		}
		if err != nil || text.Len() > maxPost {
			return nil, &hinted{errors.New("there is no message of the other device on standard input"), "paste the whole block, or name files with --in and --out"}
		}
	}
	block, _ := pem.Decode(text.Bytes())
	if block == nil {
		return nil, &hinted{errors.New("what was pasted is damaged"), "copy the whole block"}
	}
	return checkBlock(block)
}

func (p *post) line() (string, error) {
	if p.lines == nil {
		p.lines = bufio.NewReader(io.LimitReader(p.e.stdin, maxPost))
	}
	return p.lines.ReadString('\n')
}

// askPerson asks something on the terminal.
func (p *post) askPerson(question string) (string, error) {
	if isTerminal(p.e.stdin) {
		fmt.Fprint(p.e.stderr, question)
		return p.line()
	}
	tty, done, err := p.e.terminal()
	if err != nil {
		return "", err
	}
	defer done()
	fmt.Fprint(tty, question)
	return bufio.NewReader(tty).ReadString('\n')
}

// awaitLine waits until a file has a first line.
func awaitLine(ctx context.Context, path string) (line string, err error) {
	err = poll(ctx, func() (bool, error) {
		text, err := readAll(path)
		var whole bool
		line, _, whole = strings.Cut(string(text), "\n")
		return whole, err
	})
	if err != nil {
		return "", fmt.Errorf("waiting for the words in %s: %w", path, err)
	}
	return line, nil
}

// readAll reads a file, which need not be there yet.
func readAll(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxPost))
}

// poll asks again and again until something has come about.
func poll(ctx context.Context, met func() (bool, error)) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := met(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
