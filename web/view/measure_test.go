package view

import "testing"

func TestDigits(t *testing.T) {
	for text, want := range map[string]string{
		"128": "128", "5.60": "5.60", "113.25438281": "113.3", "0.4857": "0.49", "<0.0051": "<0.01", ">=3.14159": ">=3.14", "1e400": "1e400", "": "", "9.999": "10.00",
	} {
		if got := digits(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for ucum, want := range map[string]string{
		"mm[Hg]": "mmHg", "mg/dL": "mg/dL", "/d": "/day", "mL/min/{1.73_m2}": "mL/min", "{beats}/min": "/min", "{score}": "", "10*3/uL": "10³/µL", "{": "{", "}{": "}{",
	} {
		if got := unitOf(ucum); got != want {
			t.Errorf("%q is shown as %q, want %q", ucum, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	for text, want := range map[string]string{"Núñez": "nunez", "ÄRZTIN": "arztin", "İstanbul": "istanbul", "plain TEXT": "plain text", "ﬁne": "fine", "\xff": ""} {
		if got := fold(text); got != want {
			t.Errorf("%q is compared as %q, want %q", text, got, want)
		}
	}
}
