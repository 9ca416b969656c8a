package sample

func (b *bundle) treatment() {
	b.prescription("hydrochlorothiazide", "310798", "hydrochlorothiazide 25 MG Oral Tablet", "stopped", "2018-03-13", "hypertension", "1 tablet in the morning")
	b.prescription("lisinopril", "314076", "lisinopril 10 MG Oral Tablet", "active", "2018-09-11", "hypertension", "1 tablet in the morning")
	b.prescription("metformin", "861007", "metformin hydrochloride 500 MG Oral Tablet", "active", "2019-03-12", "diabetes", "1 tablet twice a day, with meals")
	b.prescription("atorvastatin", "617310", "atorvastatin 20 MG Oral Tablet", "active", "2020-03-10", "hyperlipidemia", "1 tablet at night")

	b.procedure("retina", "722161008", "Diabetic retinal eye exam", "2020-09-15")
	b.procedure("retina", "722161008", "Diabetic retinal eye exam", "2022-09-13")
	b.procedure("retina", "722161008", "Diabetic retinal eye exam", "2024-09-10")
	b.procedure("foot", "401191002", "Diabetic foot examination", "2023-03-14")
	b.procedure("colonoscopy", "73761001", "Colonoscopy", "2024-09-10")

	b.add("Goal", "goal",
		"lifecycleStatus", str("active"),
		"description", obj("text", str("HbA1c ≤ 6.5 %")),
		"subject", ref(patient),
		"startDate", str("2019-03-12"),
		"addresses", arr(ref("diabetes")))
	b.add("CarePlan", "plan",
		"status", str("active"),
		"intent", str("plan"),
		"title", str("Diabetes: autocuidado, dieta y movimiento"),
		"category", arr(concept(snomed, "698360004", "Diabetes self management plan")),
		"subject", ref(patient),
		"period", obj("start", str("2019-03-12")),
		"author", ref(doctor),
		"addresses", arr(ref("diabetes"), ref("hypertension")),
		"goal", arr(ref("goal")),
		"activity", arr(
			obj("detail", obj("status", str("in-progress"), "description", str("30 minutos de caminata, 5 días por semana"))),
			obj("detail", obj("status", str("in-progress"), "description", str("Control de glucosa en ayunas")))))
}

func (b *bundle) prescription(name, code, display, status, day, reason, dosage string) {
	b.add("MedicationRequest", name,
		"status", str(status),
		"intent", str("order"),
		"medicationCodeableConcept", concept(rxnorm, code, display),
		"subject", ref(patient),
		"encounter", ref(named("visit", day)),
		"authoredOn", str(day),
		"requester", ref(doctor),
		"reasonReference", arr(ref(reason)),
		"dosageInstruction", arr(obj("text", str(dosage))))
}

func (b *bundle) procedure(what, code, display, day string) {
	b.add("Procedure", named(what, day),
		"status", str("completed"),
		"code", concept(snomed, code, display),
		"subject", ref(patient),
		"encounter", ref(named("visit", day)),
		"performedDateTime", str(day))
}

func (b *bundle) vaccines() {
	for _, day := range []string{
		"2016-10-18", "2017-10-17", "2018-10-16", "2019-10-15", "2020-10-13",
		"2021-10-19", "2022-10-18", "2023-10-17", "2024-10-15", "2025-10-14",
	} {
		b.vaccine("140", "Influenza, seasonal, injectable, preservative free", day)
	}
	for _, day := range []string{"2021-05-06", "2021-05-27", "2022-01-20"} {
		b.vaccine("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose", day)
	}
	b.vaccine("115", "Tdap", "2017-03-14")
}

func (b *bundle) vaccine(code, display, day string) {
	b.add("Immunization", named("vaccine "+code, day),
		"status", str("completed"),
		"vaccineCode", concept(cvx, code, display),
		"patient", ref(patient),
		"occurrenceDateTime", str(day),
		"primarySource", "true",
		"performer", arr(obj("actor", ref(hospital))))
}
