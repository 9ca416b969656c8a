package view

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// patience is how long the node may take for what somebody has written by hand, before that counts as waiting.
const patience = 20 * time.Second

// Write writes a note or a measurement, or another version of one. While the node can't be reached it is kept on the device, sealed.
func (v *View) Write(ctx context.Context, d Draft) (Written, error) {
	draft, err := v.drafted(&d)
	if err != nil {
		return Written{}, err
	}
	s, err := v.shelf(ctx, d.Patient)
	if err != nil {
		return Written{}, err
	}
	o, err := s.destination(&d, &draft)
	if err != nil {
		return Written{}, err
	}
	return v.put(ctx, o, draft)
}

// drafted makes a draft of what was entered.
func (v *View) drafted(d *Draft) (client.Draft, error) {
	switch note := strings.TrimSpace(d.Note); {
	case note != "" && d.Code != "":
		return client.Draft{}, misused("It is a note or a measurement, not both.")
	case note != "":
		return client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(note)}, nil
	case d.Code != "":
		return d.observe(v.config.Now())
	}
	return client.Draft{}, misused("There is nothing to write.")
}

// destination returns the volume that a draft is for. Another version stands where the record does.
func (s *shelf) destination(d *Draft, draft *client.Draft) (*volume, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.Refers != "" {
		item, o, err := s.find(d.Refers)
		if err != nil {
			return nil, err
		}
		draft.Kind = chart.Amended
		if draft.Refers, err = ledger.ParseEventID(string(item.ID)); err != nil {
			return nil, err
		}
		return o, s.mayWrite(o)
	}
	for _, o := range s.volumes {
		if string(o.book.Compartment()) == d.Compartment {
			return o, s.mayWrite(o)
		}
	}
	return nil, client.ErrNotShared
}

// mayWrite fails if the caller may not write into a volume. The caller holds s.mu.
func (s *shelf) mayWrite(o *volume) error {
	if s.writes(o) {
		return nil
	}
	return &Error{Code: CodeSealed, Message: "You can read this, and not write here.", Todo: "Ask the patient to let you write."}
}

// put writes a draft, and reads on so that what is shown next has it.
func (v *View) put(ctx context.Context, o *volume, d client.Draft) (Written, error) {
	queued := Written{IDs: []string{}, Queued: true}
	if !v.config.Client.Connected() {
		return queued, o.book.Keep(ctx, []client.Draft{d})
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ids, err := o.book.Write(within, []client.Draft{d}, nil)
	if client.Unreached(err) && ctx.Err() == nil {
		return queued, nil // it was kept first
	}
	if err != nil {
		return Written{}, err
	}
	_, err = o.readOn(ctx)
	v.moved(o)
	return written(ids), passable(err)
}

func written(ids []ledger.EventID) Written {
	w := Written{IDs: []string{}}
	for _, id := range ids {
		w.IDs = append(w.IDs, id.String())
	}
	return w
}

// moved tells screens that there is something new in a compartment.
func (v *View) moved(o *volume) {
	v.post("changed", Changed{What: "records", Patient: string(o.shelf.patient), Compartment: string(o.book.Compartment())})
}

// Withdraw takes a record back: it stays, and says why it counts no more.
func (v *View) Withdraw(ctx context.Context, args Withdrawal) (Nothing, error) {
	s, err := v.shelf(ctx, args.Patient)
	if err != nil {
		return Nothing{}, err
	}
	s.mu.Lock()
	item, o, err := s.find(args.ID)
	if err == nil {
		err = s.mayWrite(o)
	}
	s.mu.Unlock()
	if err != nil {
		return Nothing{}, err
	}
	refers, err := ledger.ParseEventID(string(item.ID))
	if err != nil {
		return Nothing{}, err
	}
	_, err = v.put(ctx, o, client.Draft{Kind: chart.Retracted, Media: chart.Note, Body: []byte(strings.TrimSpace(args.Reason)), Refers: refers})
	return Nothing{}, err
}

// Erase destroys the keys of records of the caller's own for good.
func (v *View) Erase(ctx context.Context, args Erasure) (Erased, error) {
	s, err := v.shelf(ctx, "")
	if err != nil {
		return Erased{}, err
	}
	chosen, err := s.choose(args.IDs)
	if err != nil {
		return Erased{}, err
	}
	var all Erased
	for _, o := range s.open() {
		ids := chosen[o]
		if len(ids) == 0 {
			continue
		}
		done, err := o.book.Erase(ctx, ids...)
		if err != nil {
			return all, err
		}
		all.Records, all.Versions = all.Records+done.Records, all.Versions+done.Versions
		if _, err := o.readOn(ctx); err != nil {
			return all, err
		}
		v.moved(o)
	}
	return all, nil
}

// choose sorts records by the volumes that they stand in.
func (s *shelf) choose(ids []string) (map[*volume][]ledger.EventID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	chosen := make(map[*volume][]ledger.EventID)
	for _, id := range ids {
		item, o, err := s.find(id)
		if err != nil {
			return nil, err
		}
		parsed, err := ledger.ParseEventID(string(item.ID))
		if err != nil {
			return nil, err
		}
		chosen[o] = append(chosen[o], parsed)
	}
	if len(chosen) == 0 {
		return nil, misused("Nothing was chosen.")
	}
	return chosen, nil
}

// open returns the volumes that are open.
func (s *shelf) open() []*volume {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.volumes)
}
