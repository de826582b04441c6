package exporter

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/promtext"
)

// runtimeMetrics writes the common metrics of the Go runtime under their standard names.
func runtimeMetrics(w *promtext.Writer) {
	w.Gauge("go_info", "Information about the Go environment.").Add("1", "version", runtime.Version())
	w.Gauge("go_goroutines", "Number of goroutines that currently exist.").Add(strconv.Itoa(runtime.NumGoroutine()))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	w.Gauge("go_memstats_alloc_bytes", "Number of bytes allocated in heap and currently in use.").Add(strconv.FormatUint(memory.Alloc, 10))
}

// ticks is the number of clock ticks per second in /proc; Linux uses 100 on all architectures.
const ticks = 100

// processMetrics writes the standard process metrics. Without /proc, as on other systems than Linux, it writes none.
// Source: Prometheus, "Writing client libraries"; proc(5).
func processMetrics(w *promtext.Writer) {
	if s := procStat(); s != nil {
		w.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.").
			Add(promtext.Number((s.number(14) + s.number(15)) / ticks))
		w.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.").Add(strconv.Itoa(int(s.number(24)) * os.Getpagesize()))
		if boot := numberAfter("/proc/stat", "\nbtime "); boot > 0 {
			w.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").
				Add(strconv.FormatFloat(boot+s.number(22)/ticks, 'f', 2, 64))
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		w.Gauge("process_open_fds", "Number of open file descriptors.").Add(strconv.Itoa(len(open) - 1)) // without the descriptor of the listing
	}
	if limit := numberAfter("/proc/self/limits", "\nMax open files "); limit > 0 {
		w.Gauge("process_max_fds", "Maximum number of open file descriptors.").Add(strconv.FormatFloat(limit, 'f', 0, 64))
	}
}

// stat holds the fields of /proc/PID/stat from the third on.
type stat []string

// procStat reads the fields of this process; nil if they are not available.
func procStat() stat {
	raw, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return nil
	}
	// The second field is the program name in parentheses; it may contain any character.
	s := stat(strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])))
	if len(s) < 22 {
		return nil
	}
	return s
}

// number returns field n, numbered from 1 as in proc(5).
func (s stat) number(n int) float64 {
	value, _ := strconv.ParseFloat(s[n-3], 64) // always a number
	return value
}

// numberAfter returns the number that follows a word in a file, or 0.
func numberAfter(path, word string) float64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(raw), word)
	for field := range strings.FieldsSeq(after) {
		value, _ := strconv.ParseFloat(field, 64) // "unlimited" yields 0
		return value
	}
	return 0
}
