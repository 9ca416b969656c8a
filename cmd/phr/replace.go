package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
)

// idRotate replaces the keys in the home and the recovery words, by both together: without a wait.
func idRotate(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	sheet := fs.String("recovery-file", "", "`FILE` with the recovery words in force, instead of a prompt")
	fresh := fs.String("new-recovery-file", "", "write the new recovery sheet to `FILE`, instead of to the terminal")
	untested := fs.Bool("no-recovery-test", false, "don't ask for words of the new sheet")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	e.direct = true
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	if c.Home().Replacing() {
		err = c.Replace(ctx, nil) // the log may show the new keys already
	} else {
		err = e.prepareReplacement(c.Home(), *fresh, !*untested)
		if err == nil {
			err = client.ErrNeedsCode
		}
	}
	if errors.Is(err, client.ErrNeedsCode) {
		err = e.replaceBy(ctx, c, *sheet)
	}
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			GID identity.GID `json:"gid"`
		}{c.GID()})
	}
	e.say("%s", c.GID())
	e.note("The keys are replaced, and from now on the new sheet counts. Other devices of yours are out: adopt them again.")
	e.note("Authorities that you are a member of issue you new attribute keys when they rotate: phr keys")
	return nil
}

// prepareReplacement draws new keys and hands out their sheet.
func (e *env) prepareReplacement(h *client.Home, file string, tested bool) error {
	next, err := recovery.Generate(rand.Reader)
	if err != nil {
		return err
	}
	defer next.Close()
	if err := e.handOut(next, h.GID(), file, tested); err != nil {
		return err
	}
	return h.PrepareReplacement(next)
}

func (e *env) replaceBy(ctx context.Context, c *client.Client, sheet string) error {
	code, err := e.recoveryCode(sheet)
	if err != nil {
		return err
	}
	defer code.Close()
	return c.Replace(ctx, code)
}

// idSplit makes shares of the recovery words, to be given to different people.
func idSplit(_ context.Context, e *env, args []string) error {
	fs := e.personal()
	n := fs.Int("shares", 5, "`N` shares to make (5)")
	need := fs.Int("need", 3, "`K` of them open the words (3)")
	sheet := fs.String("recovery-file", "", "`FILE` with the recovery words, instead of a prompt")
	prefix := fs.String("share-file", "", "write each share to a new file, `NAME`-1 and so on, instead of to the terminal")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	e.direct = true
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	code, err := e.recoveryCode(*sheet)
	if err != nil {
		return err
	}
	defer code.Close()
	if err := h.CheckCode(code); err != nil {
		return err
	}
	shares, err := code.Split(*need, *n)
	if err != nil {
		return e.misused(err.Error())
	}
	for _, share := range shares {
		if err := e.handOutShare(share, h.GID(), *prefix); err != nil {
			return err
		}
	}
	if e.json {
		return e.emit(struct {
			Shares int    `json:"shares"`
			Need   int    `json:"need"`
			Set    string `json:"set"`
		}{*n, *need, shares[0].Set()})
	}
	e.note("Give each share to somebody else. Any %d of them bring your identity back, with or without you; fewer say nothing at all.", *need)
	e.note("Shares of other sets don't go together with these, which are of the set %s. They open nothing any more once the recovery words are replaced.",
		shares[0].Set())
	return nil
}

// handOutShare gives one share to its owner alone, as handOut does with the sheet.
func (e *env) handOutShare(share *recovery.Share, gid identity.GID, prefix string) error {
	sheet := []byte(sheetHeading + string(gid) + "\n" + share.Text() +
		"# To bring the identity back: phr id recover --share-file FILE --share-file FILE …\n")
	defer clear(sheet)
	if prefix != "" {
		return writeSecret(prefix+"-"+strconv.Itoa(share.Index()), sheet)
	}
	tty, done, err := e.terminal()
	if err != nil {
		return &hinted{errors.New("there is no terminal to print the shares on"), "name new files for them with --share-file"}
	}
	defer done()
	if _, err := fmt.Fprintf(tty, "\n%s\n", sheet); err != nil {
		return fmt.Errorf("printing a share: %w", err)
	}
	return nil
}
