package cli_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// ruledOut lists wording that docs/writing.md excludes, as case-insensitive patterns of whole words, with the reason.
func ruledOut() map[string]string {
	return map[string]string{
		`judg(e|es|ed|ing)`:                       "use verify, evaluate or compare",
		`say|says|said|saying`:                    "use print, show, report or state",
		`tell|tells|told|telling`:                 "use notify, report or show",
		`mend|mends|mended|mending`:               "use fix or repair",
		`hinder|hinders|hindered`:                 "use stop, block or prevent",
		`befall|befalls|befell`:                   "use happen or fail",
		`(no|some|any|every)body`:                 "use the passive, or name the component or role",
		`(some|any|every)one|who-?ever`:           "use the passive, or name the component or role",
		`there (is|are|was|were)`:                 "make the thing the subject of the sentence",
		`what there is|what is there`:             "use existing",
		`lack|lacks|lacked|lacking`:               "use missing, or without",
		`as it (is|stands|was)`:                   "use unchanged, or as is",
		`(is|are|be) (not )?well`:                 "use OK, healthy or unhealthy",
		`(is|are) ill`:                            "use unhealthy",
		`switch(es|ed|ing)?( \w+)? (on|off)`:      "use enable or disable",
		`for ever`:                                "use indefinitely, or a limit",
		`(is|are|was|holds?|held) (\w+ )*against`: "use compare with or match",
		`wrongly`:            "use incorrectly, or usage error",
		`anew`:               "use again, or recreate",
		`know a word`:        "use look up a term",
		`time-out|time-outs`: "the term is timeout",
		`set-up|set-ups`:     "use installation, configuration or setup",
	}
}

// wording finds what is ruled out.
type wording struct {
	patterns map[*regexp.Regexp]string
	code     *regexp.Regexp // text in backquotes
}

func newWording() wording {
	patterns := map[*regexp.Regexp]string{}
	for pattern, reason := range ruledOut() {
		patterns[regexp.MustCompile(`(?i)\b(?:`+pattern+`)\b`)] = reason
	}
	return wording{patterns, regexp.MustCompile("`[^`\n]*(?:\n[^`\n]+)?`")}
}

// find returns the wording in text that is ruled out, each with its surroundings and the reason.
func (w wording) find(text string) []string {
	text = strings.Join(strings.Fields(w.code.ReplaceAllString(text, "CODE")), " ")
	var all []string
	for pattern, reason := range w.patterns {
		for _, at := range pattern.FindAllStringIndex(text, -1) {
			all = append(all, fmt.Sprintf("…%s…: %s", text[max(0, at[0]-30):min(len(text), at[1]+30)], reason))
		}
	}
	slices.Sort(all)
	return all
}
