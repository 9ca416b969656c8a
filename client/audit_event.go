package client

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"io"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// fhirAuditEvent is an AuditEvent resource of FHIR R4, as far as a disclosure fills it in.
type fhirAuditEvent struct {
	ResourceType string        `json:"resourceType"`
	ID           string        `json:"id"`
	Meta         *fhirMeta     `json:"meta,omitempty"`
	Text         fhirText      `json:"text"`
	Type         fhirCoding    `json:"type"`
	Subtype      []fhirCoding  `json:"subtype"`
	Action       string        `json:"action"`
	Period       fhirPeriod    `json:"period"`
	Recorded     string        `json:"recorded"`
	Outcome      string        `json:"outcome"`
	OutcomeDesc  string        `json:"outcomeDesc,omitempty"`
	Purpose      []fhirConcept `json:"purposeOfEvent,omitempty"`
	Agent        []fhirAgent   `json:"agent"`
	Source       fhirSource    `json:"source"`
	Entity       []fhirEntity  `json:"entity"`
}

type fhirMeta struct {
	Profile []string `json:"profile"`
}

type fhirAgent struct {
	Type      fhirConcept   `json:"type"`
	Role      []fhirConcept `json:"role,omitempty"`
	Who       fhirReference `json:"who"`
	Name      string        `json:"name,omitempty"`
	Requestor bool          `json:"requestor"`
	Network   *fhirAbsent   `json:"network,omitempty"`
	Purpose   []fhirConcept `json:"purposeOfUse,omitempty"`
}

// fhirAbsent stands for an element whose value is not known.
type fhirAbsent struct {
	Extension []fhirAbsence `json:"extension"`
}

type fhirAbsence struct {
	URL  string `json:"url"`
	Code string `json:"valueCode"`
}

type fhirSource struct {
	Observer fhirReference `json:"observer"`
	Type     []fhirCoding  `json:"type"`
}

type fhirEntity struct {
	What   fhirReference `json:"what"`
	Type   fhirCoding    `json:"type"`
	Role   *fhirCoding   `json:"role,omitempty"`
	Detail []fhirDetail  `json:"detail,omitempty"`
}

type fhirDetail struct {
	Type  string `json:"type"`
	Value string `json:"valueString"`
}

// The code systems of AuditEvent, and the profiles of IHE's Basic Audit Log Patterns for what succeeded.
const (
	dcm             = "http://dicom.nema.org/resources/ontology/DCM"
	participation   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	auditEntityType = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
	objectRole      = "http://terminology.hl7.org/CodeSystem/object-role"
	resourceTypes   = "http://hl7.org/fhir/resource-types"
	patientRead     = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"
	patientUpdate   = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientUpdate"
)

// WriteFHIR writes the accounting as a FHIR R4 collection Bundle of AuditEvent resources. Sessions follow the profiles PatientRead and
// PatientUpdate of IHE BALP; what was refused, and emergencies in which nobody read, follow none, as those are for what succeeded. Text
// that others wrote is made one line without control characters.
func (a *Accounting) WriteFHIR(w io.Writer) error {
	enc := fhir.NewEncoder(w)
	for i := range a.Disclosures {
		var raw bytes.Buffer
		plain := json.NewEncoder(&raw)
		plain.SetEscapeHTML(false)
		plain.SetIndent("", "  ")
		if err := plain.Encode(a.auditEvent(&a.Disclosures[i])); err != nil {
			return err
		}
		if err := enc.Encode(fhir.Resource{Raw: bytes.TrimSpace(raw.Bytes())}); err != nil {
			return err
		}
	}
	return enc.Close()
}

// auditEvent writes a disclosure as FHIR has it.
func (a *Accounting) auditEvent(d *Disclosure) *fhirAuditEvent {
	e := &fhirAuditEvent{
		ResourceType: "AuditEvent", ID: d.Places[0].Event.String(), Text: fhirText{"generated", d.narrative(a.Patient)},
		Type:   fhirCoding{"http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation"},
		Period: fhirPeriod{Start: fhirTime(d.From)}, Recorded: fhirTime(d.From), Outcome: "0", OutcomeDesc: fhir.Printable(d.Outcome),
		Purpose: d.purposes(), Agent: d.agents(),
		Source: fhirSource{
			Observer: gidReference("Device", cmp.Or(d.Node, a.Node)),
			Type:     []fhirCoding{{"http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server"}},
		},
		Entity: d.entities(a.Patient),
	}
	if !d.Open {
		e.Period.End = fhirTime(d.Until)
	}
	interaction, profile := "read", patientRead
	e.Action = "R"
	if d.Operation == ledger.OpWrite {
		interaction, profile, e.Action = "update", patientUpdate, "U"
	}
	e.Subtype = []fhirCoding{{"http://hl7.org/fhir/restful-interaction", interaction, interaction}}
	switch {
	case d.Refused > 0:
		e.Outcome = "4" // a request that was not granted; 8 and 12 are for what broke
	case d.Session.IsZero():
		e.Type, e.Action, e.Outcome = fhirCoding{dcm, "110113", "Security Alert"}, "E", "4"
		e.Subtype = []fhirCoding{{dcm, "110127", "Emergency Override Started"}}
	default:
		e.Meta = &fhirMeta{[]string{profile}}
	}
	return e
}

// purposes returns what the access was for.
func (d *Disclosure) purposes() []fhirConcept {
	var all []fhirConcept
	if d.Emergency != nil {
		all = append(all, fhirConcept{[]fhirCoding{purposeOf("BTG")}})
	}
	if d.Grant != nil && d.Grant.Purpose != "" {
		all = append(all, fhirConcept{[]fhirCoding{purposeOf(fhir.Printable(d.Grant.Purpose))}})
	}
	return all
}

// agents returns who took part: the person first, then the programs at both ends of the session, then who approved an emergency.
func (d *Disclosure) agents() []fhirAgent {
	as, from, to := coded(participation, "IRCP", "information recipient"), "110153", "110152"
	if d.Operation == ledger.OpWrite {
		as, from, to = coded(participation, "AUT", "author (originator)"), to, from
	}
	who := agentOf(d.Who, as)
	who.Requestor, who.Purpose = true, d.purposes()
	if d.Acting {
		who.Role = []fhirConcept{coded("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "RESPRSN", "responsible party")}
	}
	all := []fhirAgent{who}
	if !d.Session.IsZero() {
		held := fhirReference{Type: "Device", Identifier: &fhirIdentifier{phrSystem + "session", d.Session.String()}}
		all = append(all, machine(from, gidReference("Device", d.Node)), machine(to, held))
	}
	if d.Approver.GID != "" {
		all = append(all, agentOf(d.Approver, coded(participation, "VRF", "verifier")))
	}
	return all
}

func agentOf(p Person, as fhirConcept) fhirAgent {
	who := gidReference("", p.GID)
	if p.Name != "" {
		who.Display = fhir.Printable(p.String())
	}
	return fhirAgent{Type: as, Who: who, Name: fhir.Printable(p.Name)}
}

// machine is one end of a connection. Its address is asked for, and stands on no log.
func machine(role string, who fhirReference) fhirAgent {
	name := map[string]string{"110152": "Destination Role ID", "110153": "Source Role ID"}[role]
	return fhirAgent{
		Type: coded(dcm, role, name), Who: who,
		Network: &fhirAbsent{[]fhirAbsence{{"http://hl7.org/fhir/StructureDefinition/data-absent-reason", "unknown"}}},
	}
}

func gidReference(kind string, gid identity.GID) fhirReference {
	return fhirReference{Type: kind, Identifier: &fhirIdentifier{phrSystem + "gid", string(gid)}}
}

// entities returns what it is about: the patient, the compartment, the grant, and the events on the log that say all this.
func (d *Disclosure) entities(patient identity.GID) []fhirEntity {
	all := []fhirEntity{{
		What: gidReference("Patient", patient), Type: fhirCoding{auditEntityType, "1", "Person"}, Role: &fhirCoding{objectRole, "1", "Patient"},
	}}
	if d.Compartment != "" {
		what := fhirReference{Identifier: &fhirIdentifier{phrSystem + "compartment", string(d.Compartment)}}
		all = append(all, fhirEntity{What: what, Type: fhirCoding{auditEntityType, "2", "System Object"}, Role: &fhirCoding{objectRole, "4", "Domain Resource"}})
	}
	if g := d.Grant; g != nil {
		what := fhirReference{Type: "Consent", Identifier: &fhirIdentifier{phrSystem + "grant", g.ID.String()}, Display: fhir.Printable(g.To)}
		all = append(all, fhirEntity{What: what, Type: fhirCoding{resourceTypes, "Consent", "Consent"}, Detail: d.details()})
	}
	for _, p := range d.Places {
		what := fhirReference{Type: "DocumentReference", Identifier: &fhirIdentifier{phrSystem + "event", p.Event.String()}}
		all = append(all, fhirEntity{What: what, Type: fhirCoding{resourceTypes, "DocumentReference", "DocumentReference"}, Detail: []fhirDetail{
			{"number", fmt.Sprint(p.Number)}, {"event-hash", p.Hash.String()}, {"sequence", fmt.Sprint(p.Sequence)},
		}})
	}
	return all
}

// details says more of the grant, and of the emergency it was used in.
func (d *Disclosure) details() (all []fhirDetail) {
	if !d.Grant.Granted.IsZero() {
		all = append(all, fhirDetail{"granted", fhirTime(d.Grant.Granted)})
	}
	if !d.Grant.Revoked.IsZero() {
		all = append(all, fhirDetail{"revoked", fhirTime(d.Grant.Revoked)})
	}
	if d.Emergency != nil {
		all = append(all, fhirDetail{"emergency", fhir.Printable(d.Emergency.Reason())})
	}
	for _, r := range d.Reviews {
		all = append(all, fhirDetail{"review", fhir.Printable(fhirTime(r.Time) + " " + r.Who.String() + ": " + r.Finding)})
	}
	return all
}

// narrative says the same for people.
func (d *Disclosure) narrative(patient identity.GID) string {
	text := fmt.Sprintf("%s (%s): %s of the patient %s, from %s to %s", d.Who, d.Who.GID, d.What(), patient, fhirTime(d.From), fhirTime(d.Until))
	if d.Outcome != "" {
		text += ": " + d.Outcome
	}
	return `<div xmlns="http://www.w3.org/1999/xhtml">` + html.EscapeString(fhir.Printable(text)) + "</div>"
}
