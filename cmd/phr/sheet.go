package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
)

// sheetOf returns the recovery sheet: what a person keeps on paper. recovery.ParseWords reads it as it is.
func sheetOf(code *recovery.Secret, gid identity.GID, made time.Time) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, sheetHeading+"%s\n# made on %s\n#\n", gid, made.Format(time.DateOnly))
	for _, line := range recovery.Lines(code.Words()) {
		fmt.Fprintln(&b, line)
	}
	b.WriteString(`#
# Write these 24 words on paper and keep them where nobody else gets at them, away from the computer. Show them to nobody who asks.
# Passphrase forgotten: phr id passphrase --forgotten
# Every device lost:    phr id recover
# Whoever has the words can do both. Without them and without a device, the record is lost: nobody else can bring it back.
`)
	return b.Bytes()
}

// handOut gives the sheet to its owner alone: into a new file, or onto the terminal, where some of its words are asked for. It
// never goes to standard output or standard error, which others may keep.
func (e *env) handOut(code *recovery.Secret, gid identity.GID, file string, tested bool) error {
	sheet := sheetOf(code, gid, time.Now())
	defer clear(sheet)
	if file != "" {
		return writeSecret(file, sheet)
	}
	tty, done, err := e.terminal()
	if err != nil {
		return &hinted{errors.New("there is no terminal to print the recovery sheet on"), "name a new file for it with --recovery-file"}
	}
	defer done()
	if _, err := fmt.Fprintf(tty, "\n%s\n", sheet); err != nil {
		return fmt.Errorf("printing the recovery sheet: %w", err)
	}
	if !tested {
		return nil
	}
	fmt.Fprintln(tty, "Once they are on paper: three of the words, to be sure.")
	if err := testSheet(code.Words(), e.ask, tty); err != nil {
		return err
	}
	fmt.Fprintln(tty, "They are right. Clear the terminal now: whoever scrolls back reads the words.")
	return nil
}

// writeSecret writes a file that is new and for its owner alone.
func writeSecret(path string, contents []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

const (
	testedWords = 3
	sheetTries  = 3 // for each word
)

// testSheet asks for words of the sheet, until three are right.
func testSheet(words []string, ask func(prompt string) ([]byte, error), w io.Writer) error {
	places, err := somePlaces(len(words))
	if err != nil {
		return err
	}
	for _, place := range places {
		for try := 1; ; try++ {
			typed, err := ask(fmt.Sprintf("Word %d: ", place+1))
			if err != nil {
				return err
			}
			if strings.EqualFold(strings.TrimSpace(string(typed)), words[place]) {
				break
			}
			if try == sheetTries {
				return &hinted{fmt.Errorf("word %d of the sheet was not given, so no identity was made", place+1), "write the words down and begin again"}
			}
			fmt.Fprintln(w, "That is another word than the one on the sheet: look again.")
		}
	}
	return nil
}

// somePlaces draws which words are asked for, in their order.
func somePlaces(n int) ([]int, error) {
	var places []int
	for len(places) < testedWords {
		drawn, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
		if err != nil {
			return nil, err
		}
		if place := int(drawn.Int64()); !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	slices.Sort(places)
	return places, nil
}

// recoveryCode reads recovery words from a file, or asks for them if none is named. The caller closes the code.
func (e *env) recoveryCode(file string) (*recovery.Secret, error) {
	text, err := e.recoveryText(file)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	code, err := recovery.ParseWords(string(text))
	if err != nil {
		return nil, fmt.Errorf("reading the recovery words: %w", err)
	}
	return code, nil
}

func (e *env) recoveryText(file string) ([]byte, error) {
	if file == "" {
		text, err := e.ask("The 24 recovery words: ")
		var more *hinted
		if errors.As(err, &more) {
			more.hint = "name a file with --recovery-file"
		}
		return text, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("reading the recovery words: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 16<<10))
	if err != nil {
		return nil, fmt.Errorf("reading the recovery words: %w", err)
	}
	return text, nil
}
