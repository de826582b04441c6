//go:build !race

package manifest_test

// hundreds is how many hundreds of random worlds there are.
const hundreds = 20
