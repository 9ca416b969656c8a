package sample

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The names under which the people and places of Amara's record refer to each other.
const (
	amara        = "Amara"
	amaraDoctor  = "Amara's doctor"
	amaraClinic  = "Amara's hospital"
	amaraTrainer = "Amara's trainer"
)

// diary makes a record of somebody who measures at home, up to a day.
type diary struct {
	bundle
	until time.Time
}

// Amara returns the record of Amara Lopez, another invented patient: the two years before a day, with her blood pressure, weight,
// heart rate, laboratory results, treatment and training. It is the same, byte for byte, for the same day.
func Amara(until time.Time) []byte {
	d := &diary{until: until.UTC().AddDate(0, 0, -1)}
	d.people()
	d.history()
	d.atHome()
	d.results()
	d.activity()
	return d.transaction()
}

func (d *diary) people() {
	d.add("Patient", amara,
		"active", "true",
		"name", arr(obj("use", str("official"), "family", str("Lopez"), "given", arr(str("Amara")))),
		"gender", str("female"),
		"birthDate", str("1984-02-09"))
	d.organization(amaraClinic, "City Hospital", "prov", "Healthcare Provider")
	d.practitioner(amaraDoctor, "Okafor", "Chidi", "Dr.")
	d.practitioner(amaraTrainer, "Marsh", "Leo", "")
}

// ago returns a day so many weeks before the last one.
func (d *diary) ago(weeks int) string { return d.until.AddDate(0, 0, -7*weeks).Format(time.DateOnly) }

// history adds problems, allergies, medicines and vaccines.
func (d *diary) history() {
	for _, p := range []problem{
		{"hypertension", "59621000", "Essential hypertension", d.ago(98), ""},
		{"prediabetes", "714628002", "Prediabetes", d.ago(72), ""},
		{"anaemia", "87522002", "Iron deficiency anemia", d.ago(90), d.ago(58)},
	} {
		status := "active"
		if p.abatement != "" {
			status = "resolved"
		}
		d.add("Condition", "Amara's "+p.name,
			"clinicalStatus", concept(terminology+"condition-clinical", status, ""),
			"verificationStatus", concept(terminology+"condition-ver-status", "confirmed", ""),
			"category", arr(concept(terminology+"condition-category", "problem-list-item", "Problem List Item")),
			"code", concept(snomed, p.code, p.display),
			"subject", ref(amara),
			"onsetDateTime", str(p.onset),
			"abatementDateTime", optional(p.abatement),
			"recordedDate", str(p.onset),
			"recorder", ref(amaraDoctor))
	}
	d.allergic("penicillin", "91936005", "Allergy to penicillin", "medication", "high")
	d.allergic("grass pollen", "418689008", "Allergy to grass pollen", "environment", "low")
	d.medicine("lisinopril", "314076", "lisinopril 10 MG Oral Tablet", "active", 96, "1 tablet in the morning")
	d.medicine("iron", "310325", "ferrous sulfate 325 MG Oral Tablet", "completed", 90, "1 tablet a day, before a meal")
	d.medicine("cetirizine", "1014678", "cetirizine hydrochloride 10 MG Oral Tablet", "active", 30, "1 tablet when needed")
	d.vaccinated("140", "Influenza, seasonal, injectable, preservative free", 56)
	d.vaccinated("140", "Influenza, seasonal, injectable, preservative free", 5)
	d.vaccinated("115", "Tdap", 80)
	d.vaccinated("309", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose", 54)
}

func (d *diary) allergic(name, code, display, category, criticality string) {
	d.add("AllergyIntolerance", "Amara's allergy to "+name,
		"clinicalStatus", concept(terminology+"allergyintolerance-clinical", "active", ""),
		"verificationStatus", concept(terminology+"allergyintolerance-verification", "confirmed", ""),
		"type", str("allergy"),
		"category", arr(str(category)),
		"criticality", str(criticality),
		"code", concept(snomed, code, display),
		"patient", ref(amara),
		"onsetDateTime", str("1996"))
}

func (d *diary) medicine(name, code, display, status string, weeks int, dosage string) {
	d.add("MedicationRequest", "Amara's "+name,
		"status", str(status),
		"intent", str("order"),
		"medicationCodeableConcept", concept(rxnorm, code, display),
		"subject", ref(amara),
		"authoredOn", str(d.ago(weeks)),
		"requester", ref(amaraDoctor),
		"dosageInstruction", arr(obj("text", str(dosage))))
}

func (d *diary) vaccinated(code, display string, weeks int) {
	d.add("Immunization", fmt.Sprintf("Amara's vaccine %s, %d weeks before", code, weeks),
		"status", str("completed"),
		"vaccineCode", concept(cvx, code, display),
		"patient", ref(amara),
		"occurrenceDateTime", str(d.ago(weeks)),
		"primarySource", "true",
		"performer", arr(obj("actor", ref(amaraClinic))))
}

// sway is what makes a series look measured: some tenths up and down, the same every time.
func sway(i int) float64 { return math.Sin(float64(i)*2.3) + math.Sin(float64(i)*0.7)/2 }

func decimal(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

// atHome adds what she measures by herself: blood pressure and weight once in four weeks, and her heart rate at rest.
func (d *diary) atHome() {
	for i, weeks := 0, 100; weeks >= 0; i, weeks = i+1, weeks-4 {
		along := 1 - float64(weeks)/100 // from 0 to 1 over the two years
		d.measure("blood pressure", "vital-signs", weeks, concept(loinc, "85354-9", "Blood pressure panel with all children optional"), amara,
			"component", arr(
				obj("code", concept(loinc, "8480-6", "Systolic blood pressure"), "valueQuantity", quantity(decimal(146-22*along+3*sway(i), 0), "mm[Hg]")),
				obj("code", concept(loinc, "8462-4", "Diastolic blood pressure"), "valueQuantity", quantity(decimal(93-14*along+2*sway(i+5), 0), "mm[Hg]"))))
		d.measure("weight", "vital-signs", weeks, concept(loinc, "29463-7", "Body weight"), amara,
			"valueQuantity", quantity(decimal(78.4-6.1*along+0.5*sway(i+9), 1), "kg"))
	}
	for i, weeks := 0, 52; weeks >= 0; i, weeks = i+1, weeks-2 {
		d.measure("resting heart rate", "activity", weeks, concept(loinc, "40443-4", "Heart rate --resting"), amara,
			"valueQuantity", quantity(decimal(71-9*(1-float64(weeks)/52)+1.5*sway(i), 0), "/min"))
	}
}

// results adds what the laboratory of the hospital found.
func (d *diary) results() {
	for i, weeks := range []int{98, 85, 72, 59, 46, 33, 20, 7} {
		d.laboratory("HbA1c", weeks, "4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", decimal([]float64{5.6, 5.9, 6.1, 6.0, 5.9, 5.8, 5.7, 5.6}[i], 1), "%", 4, 5.6)
	}
	for i, weeks := range []int{90, 74, 58} {
		d.laboratory("hemoglobin", weeks, "718-7", "Hemoglobin [Mass/volume] in Blood", []string{"10.8", "11.9", "13.1"}[i], "g/dL", 12, 15.5)
	}
	for i, weeks := range []int{98, 72, 46, 20} {
		n := float64(i)
		d.laboratory("cholesterol", weeks, "2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", decimal(224-11*n, 0), "mg/dL", 0, 200)
		d.laboratory("LDL", weeks, "13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", decimal(142-9*n, 0), "mg/dL", 0, 130)
		d.laboratory("HDL", weeks, "2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", decimal(47+3*n, 0), "mg/dL", 40, 0)
		d.laboratory("triglycerides", weeks, "2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", decimal(168-12*n, 0), "mg/dL", 0, 150)
	}
}

// laboratory adds a result with its usual range; a limit of 0 is none.
func (d *diary) laboratory(what string, weeks int, code, display, value, unit string, low, high float64) {
	var limits []string
	for _, l := range []struct {
		name  string
		value float64
	}{{"low", low}, {"high", high}} {
		if l.value > 0 {
			limits = append(limits, l.name, quantity(strconv.FormatFloat(l.value, 'f', -1, 64), unit))
		}
	}
	d.measure(what, "laboratory", weeks, concept(loinc, code, display), amaraClinic,
		"valueQuantity", quantity(value, unit), "referenceRange", arr(obj(limits...)))
}

// activity adds half a year of workouts, and her steps.
func (d *diary) activity() {
	kinds := []struct{ code, display string }{{"LA11837-4", "Running"}, {"LA11834-1", "Walking"}, {"LA11836-6", "Bicycling"}}
	for i, weeks := 0, 26; weeks >= 0; i, weeks = i+1, weeks-1 {
		along := 1 - float64(weeks)/26
		kind := kinds[i%len(kinds)]
		d.measure("workout", "activity", weeks, concept(loinc, "73985-4", "Exercise activity"), amaraTrainer,
			"valueCodeableConcept", concept(loinc, kind.code, kind.display),
			"component", arr(
				obj("code", concept(loinc, "55411-3", "Exercise duration"), "valueQuantity", quantity(decimal(30+20*along+4*sway(i), 0), "min")),
				obj("code", concept(loinc, "55425-3", "Heart rate unspecified time mean by Pedometer"), "valueQuantity", quantity(decimal(142-8*along+3*sway(i), 0), "/min"))))
		d.measure("steps", "activity", weeks, concept(loinc, "41950-7", "Number of steps in 24 hour Measured"), amara,
			"valueQuantity", quantity(decimal(5800+2900*along+600*sway(i+3), 0), "/d"))
	}
}

// measure adds an observation of a morning.
func (d *diary) measure(what, category string, weeks int, code, performer string, result ...string) {
	display := strings.ToUpper(category[:1]) + strings.ReplaceAll(category[1:], "-s", " S")
	day := d.ago(weeks)
	d.add("Observation", "Amara's "+named(what, day), append([]string{
		"status", str("final"),
		"category", arr(concept(terminology+"observation-category", category, display)),
		"code", code,
		"subject", ref(amara),
		"effectiveDateTime", str(day + "T07:30:00Z"),
		"performer", arr(ref(performer)),
	}, result...)...)
}
