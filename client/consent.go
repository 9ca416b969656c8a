package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/ledger"
)

// ErrNoGrant is returned, wrapped, for a grant that no policy of a compartment ever held.
var ErrNoGrant = errors.New("there is no such grant")

// Consent returns the receipt of a grant, one that is over too: a FHIR R4 Consent resource, as indented JSON. It says what the
// policies on the log say, and names the one that gave the grant its present form, or ended it, by id and hash. The
// compartment must be the caller's own.
func (b *Book) Consent(ctx context.Context, id ledger.TermID) ([]byte, error) {
	if !b.own() {
		return nil, errors.New("only the patient has the receipt of a grant")
	}
	persons, err := b.persons(ctx)
	if err != nil {
		return nil, err
	}
	var story *grantStory
	if err := b.do(ctx, loginKey, func(*session) error {
		story = storyOf(b.sets, id)
		return nil
	}); err != nil {
		return nil, err
	}
	switch {
	case story == nil:
		return nil, fmt.Errorf("%s: %w: %s", b.chain.Compartment, ErrNoGrant, id)
	case story.term.Emergency():
		return nil, errors.New("leave to open in an emergency is no consent to a person's reading, and has no receipt")
	}
	to := "whoever holds " + story.term.Expression
	var actor *fhirIdentifier
	if who, ok := persons[id]; ok {
		own := ledger.GrantAttribute(b.chain.GID(), id).String()
		to = strings.TrimPrefix(to, "whoever holds ")
		if to = strings.ReplaceAll(to, own, "the person "+string(who)); to != "the person "+string(who) {
			to = "whoever is " + to
		}
		actor = &fhirIdentifier{phrSystem + "gid", string(who)}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err = enc.Encode(story.consent(b.chain, to, actor, b.c.config.Now()))
	return out.Bytes(), err
}

// grantStory is what the policies of a compartment say of one grant.
type grantStory struct {
	term    ledger.Term   // in its newest form
	granted time.Time     // log time
	shaped  *ledger.Entry // the policy that gave it that form
	ended   *ledger.Entry // the policy that took it away; nil while none has
}

// storyOf reads the policies of a compartment in their order; nil if none holds the grant.
func storyOf(sets []*ledger.Entry, id ledger.TermID) *grantStory {
	var s *grantStory
	for _, e := range sets {
		terms := e.Body.(*ledger.PolicySet).Terms
		i := slices.IndexFunc(terms, func(t ledger.Term) bool { return t.ID == id })
		switch {
		case i < 0 && s != nil && s.ended == nil:
			s.ended = e
		case i >= 0 && s == nil:
			s = &grantStory{term: terms[i], granted: e.LogTime, shaped: e}
		case i >= 0 && s.term != terms[i]:
			s.term, s.shaped = terms[i], e
		}
	}
	return s
}

// consent writes the story as FHIR has it, for a compartment and whoever the grant is to.
func (s *grantStory) consent(chain ledger.Chain, to string, actor *fhirIdentifier, now time.Time) *fhirConsent {
	patient := fhirReference{Type: "Patient", Identifier: &fhirIdentifier{phrSystem + "gid", string(chain.GID())}}
	source, status, end := s.shaped, "active", s.term.Until
	if end != 0 && now.UnixMilli() >= end {
		status = "inactive"
	}
	if s.ended != nil {
		source, status = s.ended, "inactive"
		if at := s.ended.LogTime.UnixMilli(); end == 0 || at < end {
			end = at
		}
	}
	c := &fhirConsent{
		ResourceType: "Consent", ID: s.term.ID.String(), Status: status,
		Contained:  []fhirDocument{documentOf(source)},
		Identifier: []fhirIdentifier{{phrSystem + "grant", s.term.ID.String()}},
		Scope:      coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy", "Privacy Consent"),
		Category:   []fhirConcept{coded("http://loinc.org", "59284-0", "")},
		Patient:    patient, DateTime: fhirTime(source.LogTime), Performer: []fhirReference{patient},
		Source: fhirReference{Reference: "#" + sourceID},
		Rule:   coded("http://terminology.hl7.org/CodeSystem/v3-ActCode", "OPTIN", "opt-in"),
		Provision: fhirProvision{
			Type: "permit", Period: fhirPeriod{Start: fhirTime(s.granted)},
			Actor: []fhirActor{{
				Role:      roleOf(&s.term),
				Reference: fhirReference{Identifier: actor, Display: to},
			}},
			Action: []fhirConcept{action("access", "Access")},
			Label:  []fhirCoding{{System: phrSystem + "compartment", Code: string(chain.Compartment)}},
		},
	}
	if end != 0 {
		c.Provision.Period.End = fhirTime(time.UnixMilli(end))
	}
	if s.term.Write {
		c.Provision.Action = append(c.Provision.Action, action("collect", "Collect"), action("correct", "Access and Correct"))
	}
	if p := s.term.Purpose; p != "" {
		c.Provision.Purpose = []fhirCoding{purposeOf(p)}
	}
	if !s.term.History {
		c.Provision.Data = &fhirPeriod{Start: c.Provision.Period.Start}
	}
	c.Text = fhirText{"generated", s.narrative(chain, to, &c.Provision)}
	return c
}

// narrative says the same for people.
func (s *grantStory) narrative(chain ledger.Chain, to string, p *fhirProvision) string {
	may, from, until := "read", "from the beginning", ", until it is revoked"
	if s.term.Write {
		may = "read and write"
	}
	if s.term.Proxy {
		may = "act for the patient, and " + may
	}
	if p.Data != nil {
		from = "from the grant on"
	}
	if p.Period.End != "" {
		until = ", until " + p.Period.End
	}
	text := fmt.Sprintf("The patient %s let in to %s, since %s%s: %s, to %s what is written %s.",
		chain.GID(), chain.Compartment, p.Period.Start, until, to, may, from)
	return `<div xmlns="http://www.w3.org/1999/xhtml">` + html.EscapeString(text) + "</div>"
}

// roleOf says as what somebody is let in.
func roleOf(t *ledger.Term) fhirConcept {
	if t.Proxy {
		return coded("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "RESPRSN", "responsible party")
	}
	return coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")
}
