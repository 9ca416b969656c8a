package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/pairing"
	"github.com/phrledger/phr/crypto/recovery"
)

// deviceOffer hands the keys of a home to another device of the same person, after they have compared six words.
func deviceOffer(ctx context.Context, e *env, args []string) error {
	fs := e.personal()
	p := newPost(e, fs)
	seen := fs.String("words-file", "", "`FILE` with the words that the other device shows, instead of your yes")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	e.direct = true
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	old, err := e.answerDevice(ctx, p)
	if err != nil {
		return err
	}
	third, err := p.receive(ctx)
	if err != nil {
		return err
	}
	words, err := old.Check(third)
	if err != nil {
		return err
	}
	if err := e.compare(ctx, p, words, *seen); err != nil {
		return err
	}
	handed, err := h.Handover()
	if err != nil {
		return err
	}
	defer clear(handed)
	fourth, err := old.Seal(rand.Reader, handed)
	if err != nil {
		return err
	}
	if err := p.send(fourth); err != nil {
		return err
	}
	e.note("The other device has your keys now, once it has this message.")
	return nil
}

func (e *env) answerDevice(ctx context.Context, p *post) (*pairing.Old, error) {
	e.note("Run 'phr device adopt' on the other device.")
	first, err := p.receive(ctx)
	if err != nil {
		return nil, err
	}
	old, second, err := pairing.Answer(rand.Reader, first)
	if err != nil {
		return nil, err
	}
	return old, p.send(second)
}

// compare makes sure that the other device shows the same words: by the person's yes, or by a file of what it shows.
func (e *env) compare(ctx context.Context, p *post, words []string, file string) error {
	if err := e.showWords(words); err != nil {
		return err
	}
	if file == "" {
		answer, err := p.askPerson("Does the other device show the same six words, all of them? Type yes if it does: ")
		if err != nil {
			return &hinted{errors.New("there is no terminal to ask whether the words are the same"), "name a file with --words-file"}
		}
		if strings.TrimSpace(answer) != "yes" {
			return errors.New("nothing was handed over: the other device has no key of yours")
		}
		return nil
	}
	seen, err := awaitLine(ctx, file)
	if err != nil {
		return err
	}
	if !slices.Equal(strings.Fields(seen), words) {
		return &hinted{
			errors.New("the other device shows other words, so nothing was handed over"),
			"somebody may be between the two: begin again, by another way",
		}
	}
	return nil
}

// showWords prints what is compared on a line of its own.
func (e *env) showWords(words []string) error {
	if e.json {
		return e.emit(struct {
			Words string `json:"words"`
		}{strings.Join(words, " ")})
	}
	e.say("%s", strings.Join(words, " "))
	return nil
}

// deviceAdopt makes a home for the keys that another device of the same person hands over.
func deviceAdopt(ctx context.Context, e *env, args []string) error {
	fs := e.personal()
	p := newPost(e, fs)
	sheet := fs.String("recovery-file", "", "let the recovery words in `FILE` open this home too")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	dir, err := e.newHomeDir()
	if err != nil {
		return err
	}
	var code *recovery.Secret
	if *sheet != "" {
		if code, err = e.recoveryCode(*sheet); err != nil {
			return err
		}
		defer code.Close()
	}
	passphrase, err := e.passphrase(true)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	handed, err := e.beHanded(ctx, p)
	if err != nil {
		return err
	}
	defer clear(handed)
	h, err := client.AdoptHome(dir, passphrase, handed, code)
	if err != nil {
		return err
	}
	defer h.Close()
	notes := []string{"This device is yours too. Its passphrase is its own."}
	if code == nil {
		notes = append(notes, "The recovery words don't open this home; they bring the identity back all the same.")
	}
	return e.showHome(h, dir, notes...)
}

// beHanded goes through the new device's side of a pairing.
func (e *env) beHanded(ctx context.Context, p *post) ([]byte, error) {
	fresh, first, err := pairing.Begin(rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := p.send(first); err != nil {
		return nil, err
	}
	second, err := p.receive(ctx)
	if err != nil {
		return nil, err
	}
	third, words, err := fresh.Reveal(second)
	if err != nil {
		return nil, err
	}
	if err := p.send(third); err != nil {
		return nil, err
	}
	if err := e.showWords(words); err != nil {
		return nil, err
	}
	e.note("Compare these six words with those on the other device, and say there whether they are the same.")
	fourth, err := p.receive(ctx)
	if err != nil {
		return nil, err
	}
	handed, err := fresh.Open(fourth)
	if err != nil {
		return nil, fmt.Errorf("opening what the other device has sent: %w", err)
	}
	return handed, nil
}
