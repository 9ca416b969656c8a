package ledger

// EpochPart names a part with the epoch it belongs to.
type EpochPart struct {
	Epoch uint32
	Part  Part
}

// Obsolete returns the wraps of epochs that are over which nobody needs any more, newest epoch first. A wrap is needed while
// its term stands in the policy, also when the term's time is up, for it may be renewed; and, if the term reaches back in
// time, until its holders come by another way: a later epoch that the patient has confirmed holds a wrap for them, and the
// patient vouches for every link from there back. A wrap that is obsolete never becomes needed again: nobody takes back the
// patient's word, and terms have ids of their own.
//
// The patient can't open others' wraps. Where one that is counted on here turns out to be broken, its readers have to wait
// for the next epoch, whose wrap and link bring everything back.
func (f *CompartmentFact) Obsolete() []EpochPart {
	if f.Epoch == nil {
		return nil
	}
	var all []EpochPart
	elsewhere := make(map[string]bool) // names of wraps from which links lead to the epoch looked at
	for n := f.Epoch.Number; n > 0; n-- {
		e, _ := f.At(n)
		if n < f.Epoch.Number {
			for _, p := range e.Parts {
				if !p.Term.IsZero() && f.obsolete(&p, elsewhere) {
					all = append(all, EpochPart{n, p})
				}
			}
		}
		switch {
		case !e.Linked:
			clear(elsewhere)
		case e.Confirmed:
			for _, p := range e.Parts {
				elsewhere[p.Name] = true
			}
		}
	}
	return all
}

func (f *CompartmentFact) obsolete(p *Part, elsewhere map[string]bool) bool {
	t := find(f.Terms, p.Term)
	return t == nil || t.History && elsewhere[p.Name]
}
