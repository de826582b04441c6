package terminal

import (
	"fmt"
	"strings"
)

// Count returns a number with a regular noun, such as "1 company" or "2 companies".
func Count[N int | int64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && !strings.HasSuffix(stem, "a") {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
