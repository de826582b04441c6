//go:build race

package manifest_test

// hundreds is how many hundreds of random worlds there are where races are looked for. A world does one thing after
// another, so more of them would find no more races, and each costs five times as much: .ci/run tries all 2,000
// without.
const hundreds = 4
