package tripletex

import (
	"regexp"
	"strings"
)

// translations returns English translations of Norwegian messages; $ stands for a number. The messages were observed,
// except "Ukjent verdi" and "Kan ikke endres", which are guesses of the sandbox.
func translations() map[string]string {
	return map[string]string{
		"Validering feilet":                 "validation failed",
		"Kan ikke være null":                "must be given",
		"Feltet kan ikke være tomt":         "must not be empty",
		"Feltet eksisterer ikke i objektet": "unknown field",
		"Ukjent verdi":                      "unknown value",
		"Kan ikke endres":                   "cannot be changed",
		"Kan ikke være over $":              "must not be above $",
		"Kan ikke være under $":             "must not be below $",
	}
}

// translated returns a message of Tripletex with its English translation in parentheses, if it is known.
func translated(message string) string {
	words := strings.TrimSuffix(message, ".")
	number := regexp.MustCompile(`\d+`).FindString(words)
	known := words
	if number != "" {
		known = strings.Replace(words, number, "$", 1)
	}
	if english := translations()[known]; english != "" {
		return words + " (" + strings.Replace(english, "$", number, 1) + ")"
	}
	return message
}
