package repair

import "fmt"

// Report says what was found, what was done about it, and what is gone. Sequences count from 1, as in the log.
type Report struct {
	Entries  uint64     `json:"entries"` // in the log, with those that only the tree has
	Sealed   uint64     `json:"sealed"`  // of them, those that the newest checkpoint covers
	Findings []Finding  `json:"findings"`
	Lost     []Range    `json:"lost,omitempty"`  // entries that nothing here holds any more; those that were acknowledged and not sealed come back from outboxes
	Parts    []LostPart `json:"parts,omitempty"` // key material that the log names and that is gone
	Done     []string   `json:"done,omitempty"`  // what was mended
	Aside    []string   `json:"aside,omitempty"` // where the damaged files are now
}

// Storage is a part of a node's directory.
type Storage string

// The storages.
const (
	Log  Storage = "log"  // the stream of events in JetStream
	Keys Storage = "keys" // the stream of erasable parts in JetStream
	Tree Storage = "tree" // the sealed copy of the log
	Kept Storage = "kept" // the checkpoint that the node keeps beside the log
)

// Finding is a damage.
type Finding struct {
	Storage Storage `json:"storage"`
	Entries Range   `json:"entries,omitzero"` // that it is about, if it is about entries
	Path    string  `json:"path,omitempty"`   // of the file, if it is in one
	What    string  `json:"what"`
}

// Range is a range of sequences, the last one included.
type Range struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// String returns the one sequence or both.
func (r Range) String() string {
	if r.From == r.To {
		return fmt.Sprintf("entry %d", r.From)
	}
	return fmt.Sprintf("entries %d to %d", r.From, r.To)
}

// LostPart is key material that the log names.
type LostPart struct {
	Subject string `json:"subject"` // in KEYS: whose, which compartment, epoch and part it is of
}

// String says what was found where.
func (f Finding) String() string {
	text := string(f.Storage)
	if f.Entries != (Range{}) {
		text += ", " + f.Entries.String()
	}
	if f.Path != "" {
		text += ", " + f.Path
	}
	return text + ": " + f.What
}

// Sound tells whether nothing is damaged and nothing is gone.
func (r *Report) Sound() bool { return len(r.Findings)+len(r.Lost)+len(r.Parts) == 0 }

// find adds a damage, or widens the last one if it goes on with the next entry.
func (r *Report) find(f Finding) {
	if n := len(r.Findings); n > 0 {
		last := &r.Findings[n-1]
		if last.Storage == f.Storage && last.Path == f.Path && last.What == f.What && last.Entries.To != 0 && last.Entries.To+1 == f.Entries.From {
			last.Entries.To = f.Entries.To
			return
		}
	}
	r.Findings = append(r.Findings, f)
}

// lose adds an entry that is gone.
func (r *Report) lose(seq uint64) {
	if n := len(r.Lost); n > 0 && r.Lost[n-1].To+1 == seq {
		r.Lost[n-1].To = seq
		return
	}
	r.Lost = append(r.Lost, Range{seq, seq})
}

// damaged tells whether something of a storage has to be mended.
func (r *Report) damaged(s Storage) bool {
	for _, f := range r.Findings {
		if f.Storage == s {
			return true
		}
	}
	return false
}
