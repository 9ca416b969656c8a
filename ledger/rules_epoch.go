package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/policy"
)

// The names of an epoch's parts. A wrap's name ends in its term.
const (
	PartOwner = "owner"
	PartLink  = "link"
	PartShred = "shred"

	wrapPrefix = "wrap-"
)

// WrapName returns the name of the part that gives an epoch's keys to those who satisfy a term.
func WrapName(term TermID) string { return wrapPrefix + term.String() }

// stale says why a new epoch is due before anything is written; it is empty while none is.
func (s *State) stale(e *Entry, c *compartment) string {
	return s.staleAt(c, e.LogTime.UnixMilli(), s.at(e, AuthorityChain(RegistryName)))
}

func (s *State) staleAt(c *compartment, unixMilli int64, at uint64) string {
	switch {
	case c.epoch == nil:
		return "no epoch has been started"
	case c.epoch.Disputed:
		return "a part of this epoch is disputed"
	case unixMilli-c.epoch.Started.UnixMilli() >= MaxEpochAge.Milliseconds():
		return "the epoch is 30 days old"
	case c.epoch.Records >= MaxEpochRecords:
		return "the epoch holds as many records as it may"
	}
	for _, part := range c.epoch.Parts {
		if part.Term.IsZero() {
			continue
		}
		i := slices.IndexFunc(c.terms, func(t LiveTerm) bool { return t.ID == part.Term })
		if i < 0 || c.terms[i].Until != 0 && unixMilli >= c.terms[i].Until {
			return fmt.Sprintf("term %s is no longer in force", part.Term)
		}
		if s.scope == SomeChains {
			continue // what authorities did since is the node's to notice
		}
		if err := s.checkResolved(c.terms[i].Policy, &part, at); err != nil {
			return err.Error()
		}
	}
	return ""
}

// checkResolved judges whether a wrap names the attribute versions and authority keys in force.
func (s *State) checkResolved(p *policy.Policy, part *Part, at uint64) error {
	attributes, authorities := p.Attributes(), p.Authorities()
	if len(part.Versions) != len(attributes) || len(part.Keys) != len(authorities) {
		return errors.New("a wrap does not name a version for each attribute and a key for each authority")
	}
	for i, a := range attributes {
		if version, ok := s.versionOf(a, at); !ok || version != part.Versions[i] {
			return fmt.Errorf("%s is at another version than a wrap names", a)
		}
	}
	for i, name := range authorities {
		key, err := s.authorityKey(name, at)
		if err != nil {
			return err
		}
		if key.Hash() != part.Keys[i] {
			return fmt.Errorf("the key of %q is not the one a wrap names", name)
		}
	}
	return nil
}

func (s *State) versionOf(a policy.Attribute, at uint64) (uint32, bool) {
	if a.Authority.IsGID() {
		return 1, true
	}
	facts, _ := s.attributes.get(a)
	return versionAt(facts, at)
}

// epochStarted begins the next epoch with its owner part, its shred, a wrap for each live term, and a link if the rotator
// had the history key.
func (s *State) epochStarted(e *Entry, c *compartment, b *EpochStarted) error {
	next := uint32(1)
	if c.epoch != nil {
		next = c.epoch.Number + 1
	}
	if b.Epoch != next {
		return fmt.Errorf("%w: the next epoch is %d, not %d", ErrStale, next, b.Epoch)
	}
	if b.KID.IsZero() || b.HID.IsZero() {
		return errors.New("it does not commit to its keys")
	}
	missing := map[string]bool{PartOwner: true, PartShred: true}
	for _, t := range c.terms {
		if !t.ended(e.LogTime) {
			missing[WrapName(t.ID)] = true
		}
	}
	for i := range b.Parts {
		part := &b.Parts[i]
		optional := part.Name == PartLink && next > 1 && !slices.ContainsFunc(b.Parts[:i], isLink)
		if !missing[part.Name] && !optional {
			return fmt.Errorf("part %q stands twice or is not called for", Clip(part.Name))
		}
		delete(missing, part.Name)
		if err := s.checkPart(e, c, part); err != nil {
			return err
		}
	}
	for name := range missing {
		return fmt.Errorf("%w: part %q is missing", ErrStale, name)
	}
	if c.epoch != nil {
		c.past = append(slices.Clip(c.past), c.epoch)
	}
	c.epoch = &Epoch{Number: b.Epoch, KID: b.KID, HID: b.HID, Parts: b.Parts, Started: e.LogTime}
	c.narrowed = false
	return nil
}

func isLink(p Part) bool { return p.Name == PartLink }

// epochRewrapped adds a wrap for a term that has none yet, or a link that was pending.
func (s *State) epochRewrapped(e *Entry, c *compartment, b *EpochRewrapped) error {
	if len(b.Parts) == 0 {
		return errors.New("it adds no part")
	}
	for i := range b.Parts {
		part := &b.Parts[i]
		if part.Term.IsZero() && part.Name != PartLink {
			return fmt.Errorf("part %q is not added later", Clip(part.Name))
		}
		if c.epoch == nil || c.epoch.Number != b.Epoch {
			return fmt.Errorf("%w: epoch %d is not the current one", ErrStale, b.Epoch)
		}
		if _, there := c.epoch.Part(part.Name); there {
			return fmt.Errorf("part %q is there already", Clip(part.Name))
		}
		if err := s.checkPart(e, c, part); err != nil {
			return err
		}
		if err := c.change(b.Epoch, func(epoch *Epoch) { epoch.Parts = append(slices.Clip(epoch.Parts), *part) }); err != nil {
			return err
		}
	}
	return nil
}

// checkPart judges a part that is added: a wrap must be made for a live term, resolved as of now.
func (s *State) checkPart(e *Entry, c *compartment, part *Part) error {
	if part.Hash.IsZero() {
		return fmt.Errorf("part %q has no hash", Clip(part.Name))
	}
	if part.Term.IsZero() {
		if part.Name != PartOwner && part.Name != PartLink && part.Name != PartShred || part.Expression != "" || len(part.Versions) != 0 ||
			len(part.Keys) != 0 {
			return fmt.Errorf("part %q is none that an epoch has", Clip(part.Name))
		}
		return nil
	}
	term, err := c.live(part.Term, e.LogTime)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	if part.Name != WrapName(part.Term) || part.Expression != term.Expression {
		return fmt.Errorf("wrap %q is not made for its term", Clip(part.Name))
	}
	if s.scope == SomeChains {
		return nil
	}
	if err := s.checkResolved(term.Policy, part, s.at(e, AuthorityChain(RegistryName))); err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return nil
}
