package webhook_test

import (
	"crypto/hmac"
	"crypto/sha512"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// BenchmarkVerify400 judges a delivery of 400 bytes, and in turns computes nothing but the hash. It reports the
// medians of both, and of their ratio.
func BenchmarkVerify400(b *testing.B) {
	payload := []byte(body + strings.Repeat(" ", 400-len(body)))
	header := headers(key, webhook.Sign("0123456789", key, payload))
	verify := func() {
		if _, err := webhook.Verify(header, payload, "0123456789"); err != nil {
			b.Fatal(err)
		}
	}
	bare := func() {
		mac := hmac.New(sha512.New, []byte("0123456789"))
		mac.Write([]byte(key))
		mac.Write([]byte{'&'})
		mac.Write(payload)
		mac.Sum(nil)
	}
	var verifying, hashing, ratios []float64
	for b.Loop() {
		v, h := perCall(verify), perCall(bare)
		verifying, hashing, ratios = append(verifying, v), append(hashing, h), append(ratios, v/h)
	}
	b.ReportMetric(median(verifying), "ns/verify")
	b.ReportMetric(median(hashing), "ns/hash")
	b.ReportMetric(median(ratios), "verify/hash")
}

// perCall returns how many nanoseconds a call takes, over so few that a busy machine seldom comes between.
func perCall(do func()) float64 {
	const calls = 20
	start := time.Now()
	for range calls {
		do()
	}
	return float64(time.Since(start).Nanoseconds()) / calls
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
