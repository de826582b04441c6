package tripletex

import "testing"

func TestNorwegianMessagesAreTranslated(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Validering feilet.":         "Validering feilet (validation failed)",
		"Kan ikke være over 28800":   "Kan ikke være over 28800 (must not be above 28800)",
		"Kan ikke være under 300.":   "Kan ikke være under 300 (must not be below 300)",
		"Beløpet må være positivt.":  "Beløpet må være positivt.",
		"Request mapping failed":     "Request mapping failed",
		"":                           "",
		"Kan ikke være over 5 og 20": "Kan ikke være over 5 og 20",
	} {
		if got := translated(message); got != want {
			t.Errorf("translated(%q) = %q, want %q", message, got, want)
		}
	}
	e := &Error{
		Operation: "create subscription", Status: 422, Code: 18000,
		Message: "Validering feilet.", Validation: []Validation{{Field: "event", Message: "Ukjent verdi."}},
	}
	got, want := e.Error(),
		"create subscription: Tripletex answered 422/18000: Validering feilet (validation failed): event Ukjent verdi (unknown value)"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
