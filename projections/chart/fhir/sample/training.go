package sample

import "strconv"

// training adds the last year at the health club: for every month the steps of a day and one workout, and for every
// quarter how often Maria exercises.
func (b *bundle) training() {
	months := []struct {
		month                 string
		steps, minutes, pulse int
	}{
		{"2024-11", 4200, 25, 131},
		{"2024-12", 4550, 30, 130},
		{"2025-01", 5100, 30, 132},
		{"2025-02", 5800, 35, 129},
		{"2025-03", 6400, 35, 128},
		{"2025-04", 6900, 40, 127},
		{"2025-05", 7300, 40, 127},
		{"2025-06", 7150, 45, 126},
		{"2025-07", 6800, 40, 125},
		{"2025-08", 7600, 45, 124},
		{"2025-09", 8100, 50, 124},
		{"2025-10", 8450, 50, 122},
	}
	for i, m := range months {
		b.activity("steps", m.month+"-15", concept(loinc, "41950-7", "Number of steps in 24 hour Measured"),
			"valueQuantity", quantity(strconv.Itoa(m.steps), "/d"))
		b.activity("workout", m.month+"-18", concept(loinc, "73985-4", "Exercise activity"),
			"valueCodeableConcept", concept(loinc, "LA11834-1", "Walking"),
			"component", arr(
				obj("code", concept(loinc, "55411-3", "Exercise duration"), "valueQuantity", quantity(strconv.Itoa(m.minutes), "min")),
				obj("code", concept(loinc, "55425-3", "Heart rate unspecified time mean by Pedometer"), "valueQuantity", quantity(strconv.Itoa(m.pulse), "/min"))))
		if i%3 == 2 {
			b.activity("days of exercise", m.month+"-28",
				concept(loinc, "89555-7", "How many days per week did you engage in moderate to strenuous physical activity in the last 30 days"),
				"valueQuantity", quantity(strconv.Itoa(2+i/3), "d/wk"))
		}
	}
}

func (b *bundle) activity(what, day string, code string, result ...string) {
	b.add("Observation", named(what, day), append([]string{
		"status", str("final"),
		"category", arr(concept(terminology+"observation-category", "activity", "Activity")),
		"code", code,
		"subject", ref(patient),
		"effectiveDateTime", str(day),
		"performer", arr(ref(trainer), ref(club)),
	}, result...)...)
}
