package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pasting is the world of a verb whose standard input is a text.
func pasting(text string) *env {
	return &env{stdin: strings.NewReader(text), stdout: io.Discard, stderr: io.Discard}
}

func TestPasted(t *testing.T) {
	var out bytes.Buffer
	sender := &post{e: &env{stdout: &out, stderr: io.Discard}}
	for _, message := range []string{"one", strings.Repeat("two ", 5000)} {
		if err := sender.send([]byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	receiver := &post{e: pasting("Some words before it.\r\n" + strings.ReplaceAll(out.String(), "\n", "\r\n"))}
	for _, want := range []string{"one", strings.Repeat("two ", 5000)} {
		if got, err := receiver.receive(t.Context()); err != nil || string(got) != want {
			t.Errorf("received %.20q, %v, want %.20q", got, err, want)
		}
	}
	block := out.String()[:strings.Index(out.String(), blockEnd)+len(blockEnd)+1]
	for name, text := range map[string]string{
		"nothing":       "",
		"half a block":  block[:len(block)/2],
		"another block": strings.ReplaceAll(block, blockType, "PRIVATE KEY"),
		"damaged":       strings.Replace(block, "b25l", "!!!!", 1),
	} {
		if got, err := (&post{e: pasting(text)}).receive(t.Context()); err == nil {
			t.Errorf("%s: received %q", name, got)
		}
	}
}

func TestPostByFiles(t *testing.T) {
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "other")
	left := &post{e: pasting(""), in: other, out: one}
	right := &post{e: pasting(""), in: one, out: other}
	for _, message := range []string{"one", "two"} {
		got := make(chan string)
		go func() {
			b, err := right.receive(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- string(b)
		}()
		if err := left.send([]byte(message)); err != nil {
			t.Fatal(err)
		}
		if got := <-got; got != message {
			t.Errorf("received %q, want %q", got, message)
		}
	}
	if info, err := os.Stat(one); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	if err := (&post{e: pasting(""), out: one}).send([]byte("three")); err == nil {
		t.Error("another pairing goes on in the file of this one")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := left.receive(ctx); err == nil {
		t.Error("a message came that nobody sent")
	}
}
