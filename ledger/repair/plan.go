package repair

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// planFile is where a repair says what it is about to move, and what the node is to say of it.
const planFile = "repair.json"

// plan is what remains to be done of a repair: first the moves in their order, then what the node says.
type plan struct {
	Moves     []move   `json:"moves,omitempty"`
	Incidents []string `json:"incidents,omitempty"`
}

// move renames a file or directory.
type move struct {
	From  string `json:"from"`
	To    string `json:"to"`
	Aside bool   `json:"aside,omitempty"` // From is damaged; else it was made
}

// replace plans to move what is damaged aside, if it is there at all, and what was made into its place.
func (p *plan) replace(place, made, aside string) {
	if _, err := os.Lstat(place); !errors.Is(err, fs.ErrNotExist) {
		p.Moves = append(p.Moves, move{place, filepath.Join(aside, filepath.Base(place)), true})
	}
	p.Moves = append(p.Moves, move{made, place, false})
}

// asides returns where damaged files are moved to.
func (p *plan) asides() (paths []string) {
	for _, m := range p.Moves {
		if m.Aside {
			paths = append(paths, m.To)
		}
	}
	return paths
}

// readPlan returns the empty plan if there is none.
func readPlan(dir string) (plan, error) {
	var p plan
	encoded, err := os.ReadFile(filepath.Join(dir, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("reading %s: %w", planFile, err)
	}
	return p, nil
}

// write replaces the plan on disk such that a crash leaves the old one or the new.
func (p *plan) write(dir string) error {
	encoded, err := json.MarshalIndent(p, "", "\t")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, planFile)
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(encoded)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(dir)
}

// finish does what remains of the plan on disk, but for what the node says. It tells whether there was anything.
func (c *Config) finish() (bool, error) {
	p, err := readPlan(c.Dir)
	if err != nil || len(p.Moves) == 0 {
		return false, err
	}
	for _, m := range p.Moves {
		if err := c.step("move " + filepath.Base(m.To)); err != nil {
			return false, err
		}
		if err := m.do(); err != nil {
			return false, err
		}
	}
	for _, dir := range []string{c.streams(), c.Tree} {
		if err := os.RemoveAll(filepath.Join(dir, making)); err != nil {
			return false, err
		}
	}
	if err := c.step("said"); err != nil {
		return false, err
	}
	p.Moves = nil
	return true, p.write(c.Dir)
}

// do makes the move if it is not done.
func (m move) do() error {
	from, to := there(m.From), there(m.To)
	switch {
	case to && (m.Aside || !from): // done; what is at From by now has replaced it
		return nil
	case to:
		return fmt.Errorf("%s is in the way of what was made to replace it: was a server started there meanwhile? Move it away", m.To)
	}
	if err := os.MkdirAll(filepath.Dir(m.To), 0o700); err != nil {
		return err
	}
	if err := os.Rename(m.From, m.To); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(m.To)), syncDir(filepath.Dir(m.From)))
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Incidents returns what a node that starts in dir has to say of repairs. It fails if one was interrupted.
func Incidents(dir string) ([]string, error) {
	p, err := readPlan(dir)
	if err == nil && len(p.Moves) > 0 {
		err = errors.New("a repair was interrupted, and has to be run again")
	}
	return p.Incidents, err
}

// Said forgets what Incidents returned, once it is on the log. If we were to crash before, it would be said twice.
func Said(dir string) error {
	if err := os.Remove(filepath.Join(dir, planFile)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
