//go:build race

package manifest_test

// hundreds is the number of hundreds of random worlds under the race detector. A world is sequential, so more worlds find
// no more races and each takes five times as long; .ci/run tests all 2,000 without it.
const hundreds = 4
