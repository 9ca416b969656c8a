package view

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Me says who is logged in. While the node is away it says what it said last.
func (v *View) Me(ctx context.Context, _ Nothing) (Me, error) {
	v.mu.Lock()
	last := v.me
	v.mu.Unlock()
	if last != nil && !v.config.Client.Connected() {
		return *last, nil
	}
	me, err := v.askMe(ctx)
	if err != nil {
		return Me{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.me = me
	return *me, nil
}

func (v *View) askMe(ctx context.Context) (*Me, error) {
	c := v.config.Client
	me := &Me{Node: c.Home().Node(), Sample: v.config.Sample}
	if err := v.keys.refresh(ctx); err != nil {
		return nil, err
	}
	var own []string // roles that no key gives
	g, asking := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		own, err = v.ownRoles(asking)
		return err
	})
	g.Go(func() error { return v.addRecovery(asking, me) })
	g.Go(func() (err error) {
		me.ActsFor, err = v.actsFor(asking)
		return err
	})
	g.Go(func() (err error) {
		me.Emergencies, err = v.countEmergencies(asking)
		return err
	})
	g.Go(func() (err error) {
		me.Keys, err = v.heldKeys(asking)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	me.Person, me.Roles = v.person(c.GID()), append(own, rolesBy(me.Keys)...)
	if u := c.Unproven(); u != nil {
		me.Unproven, me.UnprovenWhy = &u.AsOf, fhir.Printable(u.Why)
	}
	return me, nil
}

// ownRoles returns the roles that no key gives, and learns how the caller is called.
func (v *View) ownRoles(ctx context.Context) ([]string, error) {
	c := v.config.Client
	all := []string{}
	patient, err := c.IsPatient(ctx)
	if err != nil {
		return all, err
	}
	if patient {
		all = append(all, "patient")
		_, err := v.shelf(ctx, "") // their card says how they are called
		if err != nil && errorOf(err).Code != CodeSealed && errorOf(err).Code != CodeErased {
			return all, err
		}
	}
	v.learn(ctx, c.GID())
	own, err := c.Home().Authority()
	if err == nil && own != nil {
		all = append(all, "authority")
	}
	return all, err
}

// addRecovery adds the request for new keys of the caller's identity, if one stands.
func (v *View) addRecovery(ctx context.Context, me *Me) error {
	r, err := v.config.Client.PendingRecovery(ctx)
	if r != nil {
		me.Vetoable = &Recovery{Since: r.Since, Until: r.Until}
	}
	return err
}

// heldKeys returns the attribute keys that are held, the newest of each attribute.
func (v *View) heldKeys(ctx context.Context) ([]HeldKey, error) {
	all, err := v.config.Client.Home().Keys().Attributes()
	if err != nil {
		return nil, err
	}
	keys := []HeldKey{}
	for _, k := range all {
		if _, err := ledger.TermOf(k.Attribute); err == nil {
			continue // it stands for a grant to the caller in person
		}
		held := HeldKey{Attribute: k.Attribute.Name, Authority: string(k.Attribute.Authority), Kind: v.kind(ctx, k.Attribute.Authority), Version: k.Version}
		i := slices.IndexFunc(keys, func(o HeldKey) bool { return o.Attribute == held.Attribute && o.Authority == held.Authority })
		if i < 0 {
			keys = append(keys, held)
		} else if keys[i].Version < held.Version {
			keys[i] = held
		}
	}
	return keys, nil
}

// roles are what people are by the kind of authority that gave them a key.
var roles = map[string]string{
	string(ledger.Hospital): "doctor", string(ledger.HealthClub): "trainer", string(ledger.Insurer): "insurer", string(ledger.Employer): "employer",
	string(ledger.Registry): "auditor",
}

func rolesBy(keys []HeldKey) []string {
	var all []string
	for _, k := range keys {
		if role := roles[k.Kind]; role != "" && !slices.Contains(all, role) {
			all = append(all, role)
		}
	}
	return all
}

// actsFor returns for whom the caller acts now.
func (v *View) actsFor(ctx context.Context) ([]ActsFor, error) {
	proxies, err := v.config.Client.ActingFor(ctx)
	if err != nil {
		return nil, err
	}
	var all []ActsFor
	for _, p := range proxies {
		if p.Ended {
			continue
		}
		all = append(all, ActsFor{
			Patient: v.person(p.Chain.GID()), Compartment: string(p.Chain.Compartment), Write: p.Term.Write, Until: milli(p.Term.Until),
		})
	}
	return all, nil
}

// countEmergencies counts those on the caller's record that nobody has reviewed.
func (v *View) countEmergencies(ctx context.Context) (int, error) {
	c := v.config.Client
	all, err := c.Emergencies(ctx, c.GID())
	n := 0
	for _, e := range all {
		if len(e.Reviews) == 0 && (e.Opened != nil || !e.Over(v.config.Now())) {
			n++
		}
	}
	return n, err
}

// Enrol joins an authority by the code of an invitation. Its program has to run for that.
func (v *View) Enrol(ctx context.Context, args Enrolment) (Me, error) {
	code, err := authority.ParseCode(strings.TrimSpace(args.Code))
	if err != nil {
		return Me{}, misused("This is not the code of an invitation.")
	}
	if _, err := v.config.Client.Enroll(ctx, code, args.Name); err != nil {
		return Me{}, err
	}
	v.keys.stir()
	v.names.forget(v.config.Client.GID())
	v.post("changed", Changed{What: "keys"})
	return v.Me(ctx, Nothing{})
}

// SetName puts the caller's name on their card.
func (v *View) SetName(ctx context.Context, args PersonName) (Nothing, error) {
	name := strings.TrimSpace(fhir.Printable(args.Name))
	if name == "" {
		return Nothing{}, misused("A name has to have letters.")
	}
	err := v.config.Client.SetName(ctx, name)
	if err == nil {
		v.names.call(Person{GID: string(v.config.Client.GID()), Name: name})
		v.post("changed", Changed{What: "records"})
	}
	return Nothing{}, err
}

// Veto ends a request for new keys of the caller's identity.
func (v *View) Veto(ctx context.Context, args Reason) (Nothing, error) {
	_, err := v.config.Client.Veto(ctx, args.Reason)
	if err == nil {
		v.post("changed", Changed{What: "keys"})
	}
	return Nothing{}, err
}

// post tells the screens.
func (v *View) post(event string, data any) { v.config.Post(event, data) }
