package journal

import "slices"

// Histogram counts observations in buckets, as in Prometheus. It is not safe for concurrent use.
type Histogram struct {
	// Bounds are the upper bounds of the buckets; the last bucket has none.
	Bounds []float64
	// Counts are the numbers of observations per bucket, not cumulative.
	Counts []uint64
	Sum    float64
}

// NewHistogram returns an empty histogram. Bounds must increase.
func NewHistogram(bounds ...float64) Histogram {
	return Histogram{Bounds: bounds, Counts: make([]uint64, len(bounds)+1)}
}

// Observe counts a value.
func (h *Histogram) Observe(value float64) {
	i, _ := slices.BinarySearch(h.Bounds, value)
	h.Counts[i]++
	h.Sum += value
}

// Clone returns a copy that later observations do not change.
func (h *Histogram) Clone() Histogram {
	return Histogram{h.Bounds, slices.Clone(h.Counts), h.Sum}
}
