package fhir

// The compartments that Compartment chooses between.
const (
	Health   = "health"
	Training = "training"
)

const (
	systemLOINC       = "http://loinc.org"
	systemSNOMED      = "http://snomed.info/sct"
	systemActivity    = "http://hl7.org/fhir/us/physical-activity/CodeSystem/pa-temporary-codes"
	systemObservation = "http://terminology.hl7.org/CodeSystem/observation-category"
)

// activityCodes are the codes of Observations that are about physical activity and nothing else: the value sets of the
// HL7 Physical Activity guide (STU 1) and the LOINC codes that trackers use. The heart rates of the guide that a clinic
// also measures (8873-2, 40443-4) are left out.
var activityCodes = map[Code]bool{
	{System: systemLOINC, Value: "73985-4"}:    true, // exercise activity
	{System: systemLOINC, Value: "73986-2"}:    true, // exercise intensity
	{System: systemLOINC, Value: "55411-3"}:    true, // exercise duration
	{System: systemLOINC, Value: "77592-4"}:    true, // moderate activity
	{System: systemLOINC, Value: "77593-2"}:    true, // vigorous activity
	{System: systemLOINC, Value: "89555-7"}:    true, // days of activity a week
	{System: systemLOINC, Value: "89574-8"}:    true,
	{System: systemLOINC, Value: "68516-4"}:    true, // minutes of exercise a day
	{System: systemLOINC, Value: "82290-8"}:    true, // frequency of aerobic activity
	{System: systemLOINC, Value: "82291-6"}:    true, // frequency of muscle strengthening
	{System: systemLOINC, Value: "55423-8"}:    true, // steps, pedometer
	{System: systemLOINC, Value: "41950-7"}:    true, // steps in 24 hours
	{System: systemLOINC, Value: "55430-3"}:    true, // walking distance, pedometer
	{System: systemLOINC, Value: "41953-1"}:    true, // walking distance in 24 hours
	{System: systemLOINC, Value: "55424-6"}:    true, // calories, pedometer
	{System: systemLOINC, Value: "41979-6"}:    true, // calories in 24 hours
	{System: systemLOINC, Value: "41981-2"}:    true, // calories burned
	{System: systemLOINC, Value: "55425-3"}:    true, // mean heart rate, pedometer
	{System: systemLOINC, Value: "55426-1"}:    true, // highest heart rate, pedometer
	{System: systemLOINC, Value: "80493-0"}:    true, // activity level by acceleration
	{System: systemSNOMED, Value: "68130003"}:  true, // physical activity
	{System: systemActivity, Value: "PAPanel"}: true,
}

// activityCategories mark a resource as being about physical activity.
var activityCategories = map[Code]bool{
	{System: systemActivity, Value: "PhysicalActivity"}: true,
	{System: systemObservation, Value: "activity"}:      true,
}

// Compartment says where a resource goes when nobody says otherwise: Training for Observations of physical activity and
// for goals, care plans and service requests in that category, Health for everything else, unreadable resources too. In
// doubt it is Health, as the readers of the training compartment are the wider circle.
func Compartment(raw []byte) string {
	n, err := parse(raw)
	if err != nil {
		return Health
	}
	codes := map[Code]bool{}
	switch n.get("resourceType").text() {
	case "Observation":
		codes = activityCodes
	case "Goal", "CarePlan", "ServiceRequest":
	default:
		return Health
	}
	if anyOf(codings(n, "code"), codes) || anyOf(codings(n, "category"), activityCategories) {
		return Training
	}
	return Health
}

// Activity tells whether an Observation is about physical activity.
func (s *Summary) Activity() bool {
	return anyOf(s.Codes, activityCodes) || anyOf(s.Categories, activityCategories)
}

func anyOf(codes []Code, set map[Code]bool) bool {
	for _, c := range codes {
		if set[Code{System: c.System, Value: c.Value}] {
			return true
		}
	}
	return false
}
