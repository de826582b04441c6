//go:build !race

package manifest_test

// hundreds is the number of hundreds of random worlds.
const hundreds = 20
