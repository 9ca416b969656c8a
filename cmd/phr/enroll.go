package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
)

// enroll joins an authority.
func enroll(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	name := fs.String("name", "", "`NAME` by which patients are to know you; everybody who reads the log sees it")
	wait := fs.Duration("wait", 30*time.Second, "`TIME` to wait for the authority to answer")
	operands, err := e.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	code, err := e.code(operands)
	if err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	waiting, cancel := context.WithTimeout(ctx, *wait)
	defer cancel()
	got, err := c.Enroll(waiting, code, *name)
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
			return &hinted{err, "its 'phr authority serve' has to run, then 'phr keys' fetches what it issues; an invitation that is used up, over or closed gets no answer"}
		}
		return err
	}
	for _, k := range got {
		if !e.json {
			e.say("%s", k.Attribute)
		} else if err := e.emit(showKey(k)); err != nil {
			return err
		}
	}
	return nil
}

// code reads the code of an invitation from the command line or standard input.
func (e *env) code(operands []string) (authority.Code, error) {
	text := strings.Join(operands, "")
	if text == "" {
		if isTerminal(e.stdin) {
			fmt.Fprint(e.stderr, "Code: ")
		}
		typed, err := bufio.NewReader(io.LimitReader(e.stdin, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return authority.Code{}, fmt.Errorf("reading the code: %w", err)
		}
		text = typed
	}
	code, err := authority.ParseCode(text)
	if err != nil {
		return code, &hinted{fmt.Errorf("reading the code: %w", err), "copy it again, whole"}
	}
	return code, nil
}

// shownKey is an attribute key as 'keys' tells of it.
type shownKey struct {
	Attribute string `json:"attribute"`
	Authority string `json:"authority"`
	Version   uint32 `json:"version"`
}

func showKey(k client.HeldKey) shownKey {
	return shownKey{k.Attribute.String(), string(k.Attribute.Authority), k.Version}
}
