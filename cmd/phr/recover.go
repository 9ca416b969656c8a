package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
)

// recoverFlags are what 'id recover' takes beside the common flags.
type recoverFlags struct {
	gid, sheet, fresh string
	shares            []string
	untested, again   bool
}

// idRecover brings an identity back by its recovery words or by shares of them: it asks for new keys, and called again after the
// wait it puts them in force.
func idRecover(ctx context.Context, e *env, args []string) error {
	fs, f := e.online(), new(recoverFlags)
	fs.StringVar(&f.gid, "gid", "", "whose identity: the `GID` on the recovery sheet")
	fs.StringVar(&f.sheet, "recovery-file", "", "`FILE` with the recovery words, instead of a prompt")
	fs.Func("share-file", "`FILE` with a share of the recovery words, instead of the words; once for each share", func(path string) error {
		f.shares = append(f.shares, path)
		return nil
	})
	fs.StringVar(&f.fresh, "new-recovery-file", "", "write the new recovery sheet to `FILE`, instead of to the terminal")
	fs.BoolVar(&f.untested, "no-recovery-test", false, "don't ask for words of the new sheet")
	fs.BoolVar(&f.again, "again", false, "ask once more after the request was vetoed")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	dir, err := e.homeDir()
	if err != nil {
		return err
	}
	e.direct = true // the keystore holds what the recovery goes on with
	h, err := e.recoveringHome(ctx, dir, f)
	if err != nil {
		return err
	}
	c, err := e.connect(ctx, h)
	if err != nil {
		h.Close()
		return err
	}
	defer hangUp(c)
	r, err := c.Recover(ctx, f.again)
	switch {
	case errors.Is(err, client.ErrVetoed):
		return &hinted{err, "if it was not you, your old keys are in somebody else's hands; --again asks once more"}
	case errors.Is(err, client.ErrNothingLost):
		return &hinted{errors.New("the identity in " + dir + " is in use, not being recovered"), "name a new home with --home"}
	case err != nil:
		return err
	}
	return e.showRecovery(c, r)
}

// recoveringHome opens the home of an identity that is being recovered, or makes it.
func (e *env) recoveringHome(ctx context.Context, dir string, f *recoverFlags) (*client.Home, error) {
	if hasIdentity(dir) {
		return e.open()
	}
	gid, err := f.whose()
	if err != nil {
		return nil, err
	}
	guest, err := client.NewHome()
	if err != nil {
		return nil, err
	}
	c, err := e.connect(ctx, guest)
	if err != nil {
		return nil, err
	}
	defer hangUp(c)
	code, err := e.lostCode(ctx, c, gid, f)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	lost, err := c.Lost(ctx, gid, code)
	if err != nil {
		return nil, err
	}
	passphrase, err := e.passphrase(true)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	next, err := recovery.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer next.Close()
	if err := e.handOut(next, gid, f.fresh, !f.untested); err != nil {
		return nil, err
	}
	return lost.CreateHome(dir, passphrase, next)
}

const sheetHeading = "# phr recovery sheet of "

// whose returns whose identity is to be recovered: as the flag says, or the sheet.
func (f *recoverFlags) whose() (identity.GID, error) {
	text := f.gid
	for _, path := range append([]string{f.sheet}, f.shares...) {
		if text != "" || path == "" {
			continue
		}
		sheet, err := readSheet(path)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(sheet)) {
			if rest, ok := strings.CutPrefix(line, sheetHeading); ok {
				text = strings.TrimSpace(rest)
			}
		}
		clear(sheet)
	}
	if text == "" {
		return "", &hinted{errors.New("it is not said whose identity is to be recovered"), "name it with --gid: it stands on the recovery sheet"}
	}
	return identity.ParseGID(text)
}

// lostCode reads the recovery words, or combines shares of them.
func (e *env) lostCode(ctx context.Context, c *client.Client, gid identity.GID, f *recoverFlags) (*recovery.Secret, error) {
	if len(f.shares) == 0 {
		return e.recoveryCode(f.sheet)
	}
	belongs, err := c.OfLost(ctx, gid)
	if err != nil {
		return nil, err
	}
	var shares []*recovery.Share
	for _, path := range f.shares {
		text, err := readSheet(path)
		if err != nil {
			return nil, err
		}
		share, err := recovery.ParseShare(string(text))
		clear(text)
		if err != nil {
			return nil, &hinted{err, "look at the sheet in " + filepath.Base(path) + " again"}
		}
		shares = append(shares, share)
	}
	code, err := recovery.Combine(shares, belongs)
	if code != nil && err != nil {
		e.note("note: %v", err)
		return code, nil
	}
	return code, err
}

func readSheet(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > 16<<10 {
		return nil, errors.New(path + " is too large for a recovery sheet")
	}
	return os.ReadFile(path)
}

// showRecovery tells how far a recovery has come.
func (e *env) showRecovery(c *client.Client, r client.Recovery) error {
	if e.json {
		shown := struct {
			GID   identity.GID `json:"gid"`
			Done  bool         `json:"done"`
			Until time.Time    `json:"until,omitzero"`
		}{c.GID(), r.Done, r.Until}
		return e.emit(shown)
	}
	e.say("%s", c.GID())
	switch {
	case r.Done:
		e.note("The identity is yours again, with new keys. The lost ones count no more, and open nothing that is written from now on.")
		e.note("From now on the new recovery sheet counts. What was kept for the old one stays readable by it: destroy it.")
		e.note("Authorities that you are a member of have to issue you new keys: the lost device may still hold the old ones.")
	case r.Asked:
		e.note("New keys are asked for. Whoever still has the old ones can veto until %s.", moment(r.Until))
		e.note("After that do it again in this home: phr id recover. Until then keep both sheets: the new one counts once it is done.")
	default:
		e.note("The request stands since %s. The new keys can be put in force from %s on.", moment(r.Since), moment(r.Until))
	}
	return nil
}

// warnOfRecovery says LOUD that somebody has asked to recover the caller's identity, on every command until it is over.
func (e *env) warnOfRecovery(ctx context.Context, c *client.Client) error {
	if c.Home().Recovering() {
		e.note("The identity in this home is being recovered, and can't be used until that is done: phr id recover")
		return nil
	}
	pending, err := c.PendingRecovery(ctx)
	if err != nil {
		return err
	}
	if pending != nil {
		e.note("WARNING: on %s somebody asked to recover your identity.", moment(pending.Since))
		e.note("WARNING: if it was not you, veto it before %s: phr id veto", moment(pending.Until))
		e.note("WARNING: otherwise whoever asked takes the place of this device, and of you.")
	}
	if since, replaced := c.Replaced(); replaced {
		e.note("WARNING: on %s other keys took the place of those in this home, which count no more.", moment(since))
	}
	return nil
}
