package view

import "time"

// The categories of rows, for icons and filters: note, lab, vital, heart, activity, medicine, condition, allergy, immunization,
// visit, procedure, document, plan, other.

// Row is a record in a list.
type Row struct {
	ID          string `json:"id"`
	Compartment string `json:"compartment"`
	Category    string `json:"category"`
	Title       string `json:"title"`            // "HbA1c 41 mmol/mol"
	Detail      string `json:"detail,omitempty"` // "Prescription renewed"
	Date        Time   `json:"date,omitempty"`   // when it happened; when it was written, if it does not say
	Day         bool   `json:"day,omitempty"`    // the date has no time of day
	By          Person `json:"by"`               // who wrote and signed the newest version
	Acting      bool   `json:"acting,omitempty"` // for the patient
	New         bool   `json:"new,omitempty"`    // written by somebody else since the caller looked last
	Versions    int    `json:"versions"`
	Withdrawn   bool   `json:"withdrawn,omitempty"`
	Sealed      string `json:"sealed,omitempty"` // why it can't be read; empty if it can
}

// Sealed is a compartment that is not open to the caller. Its contents are named, not teased: there is no count.
type Sealed struct {
	Compartment string `json:"compartment"`
	Why         string `json:"why"` // never, ended, revoked, stale, from-now
	Since       Time   `json:"since,omitempty"`
}

// Of names a patient; empty is the caller.
type Of struct {
	Patient string `json:"patient,omitempty"`
}

// TimelineQuery picks rows. Empty fields don't restrict.
type TimelineQuery struct {
	Patient     string `json:"patient,omitempty"`
	Category    string `json:"category,omitempty"`
	Compartment string `json:"compartment,omitempty"`
	Text        string `json:"text,omitempty"` // searched on the device
	Offset      int    `json:"offset,omitempty"`
	Limit       int    `json:"limit,omitempty"` // 0 is all
}

// Timeline are rows, newest first.
type Timeline struct {
	Rows   []Row    `json:"rows"`
	Total  int      `json:"total"`
	Sealed []Sealed `json:"sealed,omitempty"`
}

// Today is a patient's home.
type Today struct {
	New         []Row        `json:"new"`
	Recent      []Row        `json:"recent"`
	Trends      []Trend      `json:"trends"`                // two or three
	Opened      []AccessLine `json:"opened"`                // newest
	Sessions    []AccessLine `json:"sessions,omitempty"`    // open now
	Emergencies []Emergency  `json:"emergencies,omitempty"` // asked for, open, or to be reviewed
	Ending      []Grant      `json:"ending,omitempty"`      // grants that end within two weeks
	Stale       []Stale      `json:"stale,omitempty"`
}

// Stale is a compartment that needs new keys before anything is written.
type Stale struct {
	Compartment string    `json:"compartment"`
	Why         string    `json:"why"`
	Since       time.Time `json:"since"`
}

// Summary is a patient on one page.
type Summary struct {
	Patient   Person   `json:"patient"`
	May       []Grant  `json:"may,omitempty"` // by which the caller reads it
	Problems  []Row    `json:"problems"`
	Medicines []Row    `json:"medicines"`
	Allergies []Row    `json:"allergies"`
	Results   []Row    `json:"results"`
	Notes     []Row    `json:"notes"`
	Trends    []Trend  `json:"trends"`
	Sealed    []Sealed `json:"sealed,omitempty"`
	Write     []string `json:"write,omitempty"` // compartments that the caller may write into
}

// Point is one reading.
type Point struct {
	Time   time.Time `json:"time"`
	Value  float64   `json:"value"`
	Second *float64  `json:"second,omitempty"` // diastolic
	Text   string    `json:"text"`             // as it was written: "128/82"
	Record string    `json:"record"`
}

// Range is the usual range of a value, for adults, as its source gives it.
type Range struct {
	Low    *float64 `json:"low,omitempty"`
	High   *float64 `json:"high,omitempty"`
	Source string   `json:"source"` // "record" if the result itself gave it, or a name
}

// Trend is one thing measured over time, in one unit.
type Trend struct {
	Code        string  `json:"code"`
	Title       string  `json:"title"`
	Unit        string  `json:"unit"`
	Category    string  `json:"category"` // heart, vital, lab, activity
	Compartment string  `json:"compartment"`
	Usual       *Range  `json:"usual,omitempty"`
	Points      []Point `json:"points"` // in order of time; never empty
}

// Trends are all there are.
type Trends struct {
	Trends []Trend  `json:"trends"`
	Sealed []Sealed `json:"sealed,omitempty"`
}

// RecordQuery names a record.
type RecordQuery struct {
	Patient string `json:"patient,omitempty"`
	ID      string `json:"id"`
}

// Field is a line of a record's content.
type Field struct {
	Label string `json:"label"` // a FHIR element name, such as dosage; screens translate the ones they know
	Value string `json:"value"`
}

// Version is one state of a record, or its withdrawal.
type Version struct {
	ID     string    `json:"id"`
	Kind   string    `json:"kind"` // written, amended, retracted
	By     Person    `json:"by"`
	Acting bool      `json:"acting,omitempty"`
	Time   time.Time `json:"time"` // log time
	Title  string    `json:"title"`
	Text   string    `json:"text,omitempty"` // of a note, or the reason of a withdrawal
}

// Record is a record in full.
type Record struct {
	Row
	Patient   Person    `json:"patient"`
	Fields    []Field   `json:"fields"`
	Text      string    `json:"text,omitempty"`   // of a note
	Source    string    `json:"source,omitempty"` // the original, as indented JSON
	Media     string    `json:"media"`
	Image     []byte    `json:"image,omitempty"` // of an attachment that is a PNG or JPEG, by its bytes
	ImageType string    `json:"image_type,omitempty"`
	History   []Version `json:"history"` // oldest first
	Signature Signature `json:"signature"`
	MayWrite  bool      `json:"may_write,omitempty"`
	MayErase  bool      `json:"may_erase,omitempty"`
}

// Signature says how well a record is vouched for.
type Signature struct {
	Valid  bool   `json:"valid"` // checked on this device; what is not valid is not shown
	Level  string `json:"level"` // accepted, sealed, witnessed
	Leaf   uint64 `json:"leaf,omitempty"`
	Event  string `json:"event"`
	Hash   string `json:"hash"`
	Epoch  uint32 `json:"epoch"`
	Number uint64 `json:"number"` // on its chain
}

// Draft is something to be written: a note, or a measurement.
type Draft struct {
	Patient     string `json:"patient,omitempty"`
	Compartment string `json:"compartment"`
	Refers      string `json:"refers,omitempty"` // of a change: what it replaces
	Note        string `json:"note,omitempty"`
	Code        string `json:"code,omitempty"` // LOINC, one of Measurables
	Value       string `json:"value,omitempty"`
	Second      string `json:"second,omitempty"`
	Date        Time   `json:"date,omitempty"` // of a measurement; now if there is none
}

// Measurable is something that may be entered by hand.
type Measurable struct {
	Code        string `json:"code"`
	Title       string `json:"title"`
	Unit        string `json:"unit"`
	Compartment string `json:"compartment"`
	Pair        bool   `json:"pair,omitempty"` // two numbers, as a blood pressure
}

// Written says what became of drafts.
type Written struct {
	IDs    []string `json:"ids"`
	Queued bool     `json:"queued,omitempty"` // kept on this device, sealed, until the node is reached
}

// Withdrawal takes a record back; it stays, and says that it was withdrawn.
type Withdrawal struct {
	Patient string `json:"patient,omitempty"`
	ID      string `json:"id"`
	Reason  string `json:"reason"`
}

// Erasure destroys the keys of records for good.
type Erasure struct {
	IDs []string `json:"ids"`
}

// Erased says what an erasure did.
type Erased struct {
	Records  int `json:"records"`
	Versions int `json:"versions"`
}

// File is a file to be imported.
type File struct {
	Patient     string `json:"patient,omitempty"`
	Name        string `json:"name"`
	Bytes       []byte `json:"bytes"`
	Compartment string `json:"compartment,omitempty"` // everything goes there; empty sorts each resource where it belongs
}

// ImportPreview says what a file would add. Nothing is written.
type ImportPreview struct {
	Token    string        `json:"token"` // for import.make
	Total    int           `json:"total"`
	Sorted   []ImportCount `json:"sorted"`
	Sample   []Row         `json:"sample"`        // the first ones
	Bad      []string      `json:"bad,omitempty"` // entries that can't be taken, and why: then nothing is
	BadTotal int           `json:"bad_total,omitempty"`
}

// ImportCount is how many records of a type go where.
type ImportCount struct {
	Compartment string `json:"compartment"`
	Type        string `json:"type"`
	N           int    `json:"n"`
}

// Token names what a preview has shown.
type Token struct {
	Token string `json:"token"`
}

// Download is a file for the person to keep.
type Download struct {
	Name  string `json:"name"`
	Media string `json:"media"`
	Bytes []byte `json:"bytes"`
}
