package tripletex

import (
	"regexp"
	"strings"
)

// glossary returns the Norwegian messages of Tripletex that are known, and what they say in English. Those of
// validation were seen on the service; "Ukjent verdi" and "Kan ikke endres" are the sandbox's guesses.
func glossary() map[string]string {
	return map[string]string{
		"Validering feilet":                 "validation failed",
		"Kan ikke være null":                "must be given",
		"Feltet kan ikke være tomt":         "must not be empty",
		"Feltet eksisterer ikke i objektet": "there is no such field",
		"Ukjent verdi":                      "unknown value",
		"Kan ikke endres":                   "cannot be changed",
		"Kan ikke være over $":              "must not be above $",
		"Kan ikke være under $":             "must not be below $",
	}
}

// glossed returns a message of Tripletex with its English beside it, where that is known.
func glossed(message string) string {
	words := strings.TrimSuffix(message, ".")
	number := regexp.MustCompile(`\d+`).FindString(words)
	known := words
	if number != "" {
		known = strings.Replace(words, number, "$", 1)
	}
	if english := glossary()[known]; english != "" {
		return words + " (" + strings.Replace(english, "$", number, 1) + ")"
	}
	return message
}
