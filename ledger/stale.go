package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
)

// stale says why a new epoch is due before anything is written; it is empty while none is. In a part of the log what
// authorities did is the node's to notice.
func (s *State) stale(e *Entry, c *compartment) string {
	why, _ := s.staleAt(c, e.LogTime, s.at(e, AuthorityChain(RegistryName)), s.scope == WholeLog)
	return why
}

// staleAt finds the reason for a new epoch that came first, among what authorities did too or on the chain alone.
func (s *State) staleAt(c *compartment, logTime time.Time, at uint64, authorities bool) (why string, since time.Time) {
	if c.epoch == nil {
		return "no epoch has been started", c.created
	}
	consider := func(reason string, from time.Time) {
		if why == "" || from.Before(since) {
			why, since = reason, from
		}
	}
	if c.epoch.Disputed {
		consider("a part of this epoch is disputed", c.epoch.disputed)
	}
	if c.epoch.LinkDisputed {
		consider("a part of this epoch is disputed", c.epoch.linkDisputed)
	}
	if due := c.epoch.Started.Add(MaxEpochAge); !logTime.Before(due) {
		consider("the epoch is 30 days old", due)
	}
	if c.epoch.Records >= MaxEpochRecords {
		consider("the epoch holds as many records as it may", c.epoch.full)
	}
	for _, k := range c.broken {
		if b, ok := s.emergencies.get(k); ok && b.Over(logTime) {
			consider("it was opened in an emergency that is over", b.overSince())
		}
	}
	for i := range c.epoch.Parts {
		part := &c.epoch.Parts[i]
		if part.Term.IsZero() {
			continue
		}
		t := find(c.terms, part.Term)
		switch {
		case t == nil:
			consider(lapsed(part.Term), c.epoch.lapsed)
		case t.ended(logTime):
			consider(lapsed(part.Term), time.UnixMilli(t.Until))
		case authorities:
			if from, err := s.resolved(t, part, at); err != nil {
				consider(err.Error(), from)
			}
		}
	}
	return why, since
}

func lapsed(term TermID) string { return fmt.Sprintf("term %s is no longer in force", term) }

// lapse notes when a term went that the epoch is wrapped for: when it ended, if it had.
func (c *compartment) lapse(to []LiveTerm, logTime time.Time) {
	for i := range c.terms {
		old := &c.terms[i]
		if find(to, old.ID) != nil || c.epoch == nil {
			continue
		}
		if _, wrapped := c.epoch.Part(WrapName(old.ID)); !wrapped {
			continue
		}
		from := logTime
		if old.ended(logTime) {
			from = time.UnixMilli(old.Until)
		}
		if c.epoch.lapsed.IsZero() || from.Before(c.epoch.lapsed) {
			current := *c.epoch
			current.lapsed = from
			c.epoch = &current
		}
	}
}

// resolved judges whether a wrap or approval names the attribute versions and authority keys in force, and if not, since when it does
// not. In a part of the log only what was shown counts against it.
func (s *State) resolved(t *LiveTerm, part *Part, at uint64) (since time.Time, err error) {
	if t = t.sealedTo(part); t == nil {
		return since, nil
	}
	if len(part.Versions) != len(t.attributes) || len(part.Keys) != len(t.authorities) {
		return since, errors.New("a wrap does not name a version for each attribute and a key for each authority")
	}
	consider := func(from time.Time, why error) {
		if why != nil && (err == nil || from.Before(since)) {
			since, err = from, why
		}
	}
	for i, a := range t.attributes {
		consider(s.movedSince(a, part.Versions[i], at))
	}
	for i, name := range t.authorities {
		consider(s.replacedSince(name, part.Keys[i], at))
	}
	return since, err
}

// movedSince tells since when an attribute is past a version; the error is nil while it is at it.
func (s *State) movedSince(a policy.Attribute, named uint32, at uint64) (time.Time, error) {
	version, ok := s.versionOf(a, at)
	if version == named && ok || s.scope == SomeChains && version < named {
		return time.Time{}, nil
	}
	var since time.Time
	facts, _ := s.attributes.get(a)
	if i := slices.IndexFunc(facts, func(f versionFact) bool { return f.version > named && f.from <= at }); i >= 0 {
		since = facts[i].time
	}
	return since, fmt.Errorf("%s is at another version than a wrap names", a)
}

// replacedSince tells since when a key is not the one in force of an authority; the error is nil while it is.
func (s *State) replacedSince(name policy.Authority, named Hash, at uint64) (time.Time, error) {
	key, err := s.authorityKey(name, at)
	switch {
	case err == nil && key.Hash() == named, s.scope == SomeChains && s.keyNamed(name, named) == nil:
		return time.Time{}, nil
	case err == nil:
		err = fmt.Errorf("the key of %q is not the one a wrap names", name)
	}
	return s.goneSince(name, named, at), err
}

// goneSince returns the log time of what took a key out of force.
func (s *State) goneSince(name policy.Authority, named Hash, at uint64) (since time.Time) {
	if g, ok := s.patients.get(identity.GID(name)); ok && name.IsGID() {
		for i := len(g.keys) - 1; i >= 0 && g.keys[i].key.Hash() != named; i-- {
			since = g.keys[i].time
		}
		return since
	}
	a, ok := s.authorities.get(name)
	if !ok {
		return since
	}
	for i := len(a.facts) - 1; i >= 0; i-- {
		f := &a.facts[i]
		if f.from > at {
			continue
		}
		if f.active && f.reg.key.Hash() == named {
			break
		}
		since = f.time
	}
	return since
}
