package demo

import (
	stdbytes "bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

// stage is a node for browsers, and who may be met there.
type stage struct {
	troupe
	roles []*role
}

// role is somebody whom a browser can be.
type role struct {
	id, name, role string
	person         *person
}

// How long grants on the stage last.
const (
	twoMonths = 60 * 24 * time.Hour
	halfYear  = 183 * 24 * time.Hour
)

// The compartments of Amara's beside health, training and emergency.
const (
	claims ledger.Compartment = "claims"
	work   ledger.Compartment = "work"
)

// rehearse lets everybody in and has them do what the stage begins with.
func (s *stage) rehearse(ctx context.Context, g *errgroup.Group, dir string) error {
	select {
	case <-s.node.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	amara, err := s.patient(ctx, "amara", "Amara Lopez", sample.Amara(s.now()))
	if err != nil {
		return err
	}
	ben, err := s.patient(ctx, "ben", "Ben Novak", nil)
	if err != nil {
		return err
	}
	if err := s.engage(ctx, g, dir); err != nil {
		return err
	}
	if err := s.amaraShares(ctx, amara); err != nil {
		return err
	}
	if err := s.benShares(ctx, ben); err != nil {
		return err
	}
	if err := s.visit(ctx, amara); err != nil {
		return err
	}
	for _, r := range s.roles {
		r.person.Close() // whoever plays them has connections of their own
	}
	return nil
}

// engage founds the authorities and lets those in who hold their attributes.
func (s *stage) engage(ctx context.Context, g *errgroup.Group, dir string) error {
	if err := s.openRegistry(ctx, dir); err != nil {
		return err
	}
	s.serve(ctx, g, s.registry)
	hospital, err := s.found(ctx, "city-hospital", ledger.Hospital)
	if err != nil {
		return err
	}
	club, err := s.found(ctx, "iron-gym", ledger.HealthClub)
	if err != nil {
		return err
	}
	insurance, err := s.found(ctx, "acme-insurance", ledger.Insurer)
	if err != nil {
		return err
	}
	company, err := s.found(ctx, "globex", ledger.Employer)
	if err != nil {
		return err
	}
	for _, p := range []*person{hospital, club, insurance, company} {
		s.serve(ctx, g, p)
	}
	for _, m := range []struct {
		id, name, role string
		at             *person
		attribute      string
	}{
		{"okafor", "Dr. Chidi Okafor", "doctor", hospital, "doctor"},
		{"lindqvist", "Dr. Sara Lindqvist", "doctor", hospital, "doctor"},
		{"chen", "Dr. Mei Chen", "supervisor", hospital, "supervisor"},
		{"leo", "Leo Marsh", "trainer", club, "trainer"},
		{"ida", "Ida Brandt", "insurer", insurance, "agent"},
		{"hugo", "Hugo Weiss", "employer", company, "hr"},
		{"nadia", "Nadia Rahman", "auditor", s.registry, "auditor"},
	} {
		p, err := s.join(ctx, m.name, m.at, m.attribute)
		if err != nil {
			return fmt.Errorf("%s joins: %w", m.name, err)
		}
		s.roles = append(s.roles, &role{m.id, m.name, m.role, p})
	}
	return nil
}

// serve answers for an authority until ctx ends.
func (s *stage) serve(ctx context.Context, g *errgroup.Group, p *person) {
	g.Go(func() error {
		if err := p.Serve(ctx, nil); !errors.Is(err, context.Canceled) {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		return nil
	})
}

// patient lets a patient in, who brings a record along.
func (s *stage) patient(ctx context.Context, id, name string, bundle []byte) (*person, error) {
	p, err := s.enter(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := p.RegisterPatient(ctx); err != nil {
		return nil, err
	}
	if err := p.SetName(ctx, name); err != nil {
		return nil, err
	}
	s.roles = append(s.roles, &role{id, name, "patient", p})
	if bundle == nil {
		return p, nil
	}
	var plan client.Plan
	if err := plan.Add(id, stdbytes.NewReader(bundle), ""); err != nil {
		return nil, err
	}
	_, err = p.Import(ctx, p.GID(), &plan, nil)
	return p, err
}

// find returns somebody by the id of their role.
func (s *stage) find(id string) *person {
	for _, r := range s.roles {
		if r.id == id {
			return r.person
		}
	}
	panic("nobody plays " + id) // the ids are those of engage
}

// sharing is what a patient shares of a compartment, and writes there first.
type sharing struct {
	name  ledger.Compartment
	grant client.GrantRequest
	notes []string
}

func (s *stage) amaraShares(ctx context.Context, amara *person) error {
	for _, name := range []ledger.Compartment{claims, work, emergency} {
		if err := amara.CreateCompartment(ctx, name, ledger.HealthClass); err != nil {
			return err
		}
	}
	now := s.now()
	for _, sh := range []sharing{
		{ledger.Health, client.GrantRequest{To: s.only("okafor", "doctor@city-hospital"), Write: true, Until: now.Add(2 * halfYear), Purpose: "TREAT"}, nil},
		{ledger.Training, client.GrantRequest{To: s.only("leo", "trainer@iron-gym"), Write: true, Until: now.Add(halfYear)}, nil},
		{
			claims,
			client.GrantRequest{To: "agent@acme-insurance", Until: now.Add(twoMonths), Purpose: "HPAYMT"},
			[]string{"Invoice 2031-4: laboratory tests, 84.20", "Invoice 2031-9: blood pressure monitor, 59.00"},
		},
		{
			work,
			client.GrantRequest{To: s.only("hugo", "hr@globex"), Until: now.Add(twoMonths), Purpose: "HSYSADMIN"},
			[]string{"Fit for work, without restrictions."},
		},
	} {
		if err := share(ctx, amara, sh); err != nil {
			return err
		}
	}
	b, err := amara.Book(ctx, amara.GID(), emergency)
	if err != nil {
		return err
	}
	if _, err := b.AllowEmergency(ctx, "doctor@city-hospital", "supervisor@city-hospital"); err != nil {
		return err
	}
	if err := write(ctx, b, "Allergic to penicillin. Takes lisinopril, 10 mg in the morning. Call Ben Novak."); err != nil {
		return err
	}
	return amara.SetName(ctx, "Amara Lopez") // in the new compartments, too
}

func (s *stage) benShares(ctx context.Context, ben *person) error {
	return share(ctx, ben, sharing{
		ledger.Health,
		client.GrantRequest{To: s.only("okafor", "doctor@city-hospital"), Until: s.now().Add(twoMonths)},
		[]string{"My knee hurts after running, on the outside.", "The knee is better after two weeks of rest."},
	})
}

// only returns a policy that one person satisfies, while they hold an attribute.
func (s *stage) only(id, attribute string) string {
	return fmt.Sprintf("gid:%s and %s", s.find(id).GID(), attribute)
}

func share(ctx context.Context, p *person, sh sharing) error {
	b, err := p.Book(ctx, p.GID(), sh.name)
	if err != nil {
		return err
	}
	if err := write(ctx, b, sh.notes...); err != nil {
		return err
	}
	_, err = b.Grant(ctx, sh.grant)
	return err
}

// write writes notes.
func write(ctx context.Context, b *client.Book, notes ...string) error {
	var drafts []client.Draft
	for _, text := range notes {
		drafts = append(drafts, client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(text)})
	}
	if len(drafts) == 0 {
		return nil
	}
	_, err := b.Write(ctx, drafts, nil)
	return err
}

// visit has those look in and write whom Amara has let in, so that there is something to see in her access log.
func (s *stage) visit(ctx context.Context, amara *person) error {
	for _, v := range []struct {
		id   string
		name ledger.Compartment
		text string
	}{
		{"okafor", ledger.Health, "Blood pressure well controlled at home. Continue lisinopril 10 mg; HbA1c again in three months."},
		{"leo", ledger.Training, "Three easy runs this week, then intervals on Saturday. Keep the pulse under 150."},
	} {
		p := s.find(v.id)
		if _, err := p.FetchKeys(ctx); err != nil {
			return err
		}
		b, err := p.Book(ctx, amara.GID(), v.name)
		if err != nil {
			return err
		}
		if err := write(ctx, b, v.text); err != nil {
			return fmt.Errorf("%s writes: %w", p.name, err)
		}
	}
	return nil
}
