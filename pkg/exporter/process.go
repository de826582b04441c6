package exporter

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/promtext"
)

// runtimeMetrics writes what people look at in the Go runtime, under the names that all Go programs use.
func runtimeMetrics(w *promtext.Writer) {
	w.Gauge("go_info", "Information about the Go environment.").Add("1", "version", runtime.Version())
	w.Gauge("go_goroutines", "Number of goroutines that currently exist.").Add(strconv.Itoa(runtime.NumGoroutine()))
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	w.Gauge("go_memstats_alloc_bytes", "Number of bytes allocated in heap and currently in use.").Add(strconv.FormatUint(memory.Alloc, 10))
}

// ticks is how many parts of a second Linux counts time by in /proc, on every machine.
const ticks = 100

// processMetrics writes what alerts ask of a process, under the names that all programs use. What the system does
// not tell is left out: only Linux has /proc.
// Source: Prometheus, writing client libraries; proc(5).
func processMetrics(w *promtext.Writer) {
	if s := procStat(); s != nil {
		w.Counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.").
			Add(promtext.Number((s.number(14) + s.number(15)) / ticks))
		w.Gauge("process_resident_memory_bytes", "Resident memory size in bytes.").Add(strconv.Itoa(int(s.number(24)) * os.Getpagesize()))
		if boot := afterWord("/proc/stat", "\nbtime "); boot > 0 {
			w.Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.").
				Add(strconv.FormatFloat(boot+s.number(22)/ticks, 'f', 2, 64))
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		w.Gauge("process_open_fds", "Number of open file descriptors.").Add(strconv.Itoa(len(open) - 1)) // one of them reads the folder
	}
	if most := afterWord("/proc/self/limits", "\nMax open files "); most > 0 {
		w.Gauge("process_max_fds", "Maximum number of open file descriptors.").Add(strconv.FormatFloat(most, 'f', 0, 64))
	}
}

// stat is a line of /proc/PID/stat from its third field on.
type stat []string

// procStat reads that of this process; nil where there is none.
func procStat() stat {
	raw, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return nil
	}
	// The second field is the name of the program in brackets, and may hold anything.
	s := stat(strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])))
	if len(s) < 22 {
		return nil
	}
	return s
}

// number returns the field that proc(5) counts as n.
func (s stat) number(n int) float64 {
	value, _ := strconv.ParseFloat(s[n-3], 64) // the system writes numbers
	return value
}

// afterWord returns the number that stands behind a word in a file, or 0 where there is none.
func afterWord(path, word string) float64 {
	raw, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	_, behind, _ := strings.Cut(string(raw), word)
	for field := range strings.FieldsSeq(behind) {
		value, _ := strconv.ParseFloat(field, 64) // "unlimited" is no number
		return value
	}
	return 0
}
