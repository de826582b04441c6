package match_test

import (
	"fmt"

	"github.com/tlxhook/tlxhook/pkg/match"
)

func ExampleNearest() {
	fmt.Println(match.Nearest("custmer.create", []string{"customer.create", "order.create"}))
	// Output: [customer.create]
}
