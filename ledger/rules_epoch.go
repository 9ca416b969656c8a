package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/policy"
)

// The names of an epoch's parts. A wrap's name ends in its term.
const (
	PartOwner = "owner"
	PartLink  = "link"
	PartShred = "shred"

	wrapPrefix     = "wrap-"
	approvalPrefix = "approval-"
	releasePrefix  = "release-"
)

// WrapName returns the name of the part that gives an epoch's keys to those who satisfy a term.
func WrapName(term TermID) string { return wrapPrefix + term.String() }

// ApprovalName returns the name of the part that holds the approvers' share of the key of an emergency term's wrap.
func ApprovalName(term TermID) string { return approvalPrefix + term.String() }

// ReleaseName returns the name of the part that holds the node's share of it.
func ReleaseName(term TermID) string { return releasePrefix + term.String() }

func (s *State) versionOf(a policy.Attribute, at uint64) (uint32, bool) {
	if a.Authority.IsGID() {
		return 1, true
	}
	facts, _ := s.attributes.get(a)
	return versionAt(facts, at)
}

// wrapped tells whether an epoch that is started holds a wrap for a term: while the term has not ended and its authorities
// are in force. What a suspended authority vouches for must not keep others from writing.
func (s *State) wrapped(t *LiveTerm, logTime time.Time, at uint64) bool {
	return !t.ended(logTime) && !slices.ContainsFunc(t.authorities, func(name policy.Authority) bool {
		_, err := s.authorityKey(name, at)
		return err != nil
	}) && (t.approval == nil || s.wrapped(t.approval, logTime, at))
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
	if b.KID.IsZero() || b.HID.IsZero() || c.hadKeys(b) {
		return errors.New("it does not commit to keys of its own")
	}
	for i := range b.Parts {
		part := &b.Parts[i]
		if slices.ContainsFunc(b.Parts[:i], func(p Part) bool { return p.Name == part.Name }) || part.Name == PartLink && next == 1 {
			return fmt.Errorf("part %q stands twice or is not called for", Clip(part.Name))
		}
		if err := s.checkPart(e, c, part); err != nil {
			return err
		}
	}
	started := &Epoch{Number: b.Epoch, KID: b.KID, HID: b.HID, Parts: b.Parts, Started: e.LogTime}
	if e.Author == e.Chain.GID() {
		started.vouch()
	}
	if err := s.checkComplete(e, c, started); err != nil {
		return err
	}
	if c.epoch != nil {
		c.past = append(slices.Clip(c.past), c.epoch)
	}
	c.epoch, c.narrowed, c.renewed, c.broken = started, false, nil, nil
	return nil
}

// hadKeys tells whether an epoch commits to keys that are in use already: who held those would hold these.
func (c *compartment) hadKeys(b *EpochStarted) bool {
	same := func(e *Epoch) bool { return e.KID == b.KID || e.HID == b.HID }
	return c.epoch != nil && same(c.epoch) || slices.ContainsFunc(c.past, same)
}

// checkComplete judges whether an epoch has every part that its readers need. In a part of the log it can't be told
// whose authorities are in force.
func (s *State) checkComplete(e *Entry, c *compartment, started *Epoch) error {
	names := []string{PartOwner, PartShred}
	for i := range c.terms {
		if t := &c.terms[i]; s.scope == WholeLog && s.wrapped(t, e.LogTime, s.at(e, AuthorityChain(RegistryName))) {
			names = append(names, t.partNames()...)
		}
	}
	return started.has(names...)
}

// has tells which of some parts an epoch does not have.
func (e *Epoch) has(names ...string) error {
	for _, name := range names {
		if _, ok := e.Part(name); !ok {
			return fmt.Errorf("%w: part %q is missing", ErrStale, name)
		}
	}
	return nil
}

// epochRewrapped adds a wrap for a term that has none yet, or a link that was pending or is disputed. Links may be added to
// epochs that are over.
func (s *State) epochRewrapped(e *Entry, c *compartment, b *EpochRewrapped) error {
	if len(b.Parts) == 0 {
		return errors.New("it adds no part")
	}
	after, err := c.begun(b.Epoch)
	if err != nil {
		return err
	}
	after.Parts = slices.Grow(slices.Clone(after.Parts), len(b.Parts))
	for i := range b.Parts {
		part := &b.Parts[i]
		if part.Term.IsZero() && (part.Name != PartLink || b.Epoch == 1) {
			return fmt.Errorf("part %q is not added later", Clip(part.Name))
		}
		if part.Name != PartLink && b.Epoch != c.epoch.Number {
			return fmt.Errorf("%w: epoch %d is not the current one", ErrStale, b.Epoch)
		}
		if err := s.checkPart(e, c, part); err != nil {
			return err
		}
		if t := find(c.terms, part.Term); t != nil && !t.History && after.Records > 0 {
			return fmt.Errorf("%w: term %s is from now on, and this epoch has records already", ErrStale, t.ID)
		}
		if err := after.add(part, e.Author == e.Chain.GID()); err != nil {
			return err
		}
	}
	for i := range b.Parts {
		if t := find(c.terms, b.Parts[i].Term); t != nil && t.Emergency() {
			if err := after.has(t.partNames()...); err != nil {
				return err
			}
		}
	}
	c.replace(&after)
	c.renewed = nil
	return nil
}

// add adds a part, or puts a link in the place of one that is disputed. The patient's word for a link is not taken back by
// anybody else: the wraps that it stands for may be gone.
func (e *Epoch) add(part *Part, byPatient bool) error {
	at := slices.IndexFunc(e.Parts, func(p Part) bool { return p.Name == part.Name })
	if at < 0 {
		e.Parts = append(e.Parts, *part)
	} else {
		if part.Name != PartLink || !e.LinkDisputed || e.Linked && !byPatient || e.Parts[at].Hash == part.Hash {
			return fmt.Errorf("part %q is there already", Clip(part.Name))
		}
		e.Parts[at] = *part
	}
	if part.Name == PartLink {
		e.Linked, e.LinkDisputed = byPatient, false
	}
	return nil
}

// epochConfirmed takes the patient's word for an epoch. It ends a dispute over the link, which the patient can judge, and
// none over other people's wraps.
func epochConfirmed(e *Entry, c *compartment, b *EpochConfirmed) error {
	if e.Author != e.Chain.GID() {
		return errors.New("only the patient confirms an epoch")
	}
	after, err := c.begun(b.Epoch)
	if err != nil {
		return err
	}
	after.vouch()
	c.replace(&after)
	return nil
}

// vouch takes the patient's word for all that the patient can open of an epoch: the owner part, the shred, and the link if
// there is one.
func (e *Epoch) vouch() {
	_, linked := e.Part(PartLink)
	e.Linked, e.LinkDisputed = linked, false
	e.Confirmed = e.Confirmed || !e.Disputed
}

// epochDisputed takes note of a part that does not hold what it should. Of an epoch that is over, only a link can still be
// made good.
func epochDisputed(e *Entry, c *compartment, b *EpochDisputed) error {
	after, err := c.begun(b.Epoch)
	if err != nil {
		return err
	}
	if b.Part != PartLink && b.Epoch != c.epoch.Number {
		return fmt.Errorf("%w: epoch %d is not the current one", ErrStale, b.Epoch)
	}
	if _, ok := after.Part(b.Part); !ok {
		return fmt.Errorf("epoch %d has no part %q", b.Epoch, Clip(b.Part))
	}
	switch {
	case b.Part == PartLink && !after.LinkDisputed:
		after.LinkDisputed, after.linkDisputed = true, e.LogTime
	case b.Part != PartLink && !after.Disputed:
		after.Disputed, after.disputed = true, e.LogTime
	}
	c.replace(&after)
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
	if !slices.Contains(term.partNames(), part.Name) || part.Expression != term.expressionOf(part) {
		return fmt.Errorf("wrap %q is not made for its term", Clip(part.Name))
	}
	if part.Name == ReleaseName(part.Term) && (len(part.Versions) != 0 || len(part.Keys) != 0) {
		return fmt.Errorf("part %q is not sealed to a policy", Clip(part.Name))
	}
	if s.scope == SomeChains {
		return nil
	}
	if _, err := s.resolved(term, part, s.at(e, AuthorityChain(RegistryName))); err != nil {
		return fmt.Errorf("%w: %w", ErrStale, err)
	}
	return nil
}
