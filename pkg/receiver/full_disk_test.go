//go:build unix

package receiver_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/journal"
)

// smallDisk returns the folder of a file system of a size.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only root can make a small disk")
	}
	disk := t.TempDir()
	said, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size="+size+",mode=0700", "tmpfs", disk).CombinedOutput()
	if err != nil {
		missing(t, fmt.Sprintf("a small disk cannot be made: %s", said))
	}
	t.Cleanup(func() { _ = exec.CommandContext(context.Background(), "umount", "-l", disk).Run() })
	return disk
}

// fillUp writes a file until no byte is left on its disk.
func fillUp(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for size := 1 << 20; size > 0; size /= 16 {
		for block := make([]byte, size); err == nil; {
			_, err = file.Write(block)
		}
		if err = nil; size == 1 {
			return
		}
	}
}

// Deliveries can be purged on a full disk, and new ones are accepted afterwards.
func TestPurgeWorksOnAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		count, size int
		stop        syscall.Signal // of listen, before the disk is full; 0 for none
	}{
		"beside listen":              {45, 900_000, 0},
		"after listen":               {2000, 500, syscall.SIGTERM},
		"after listen, large bodies": {45, 900_000, syscall.SIGTERM},
		"after listen, one delivery": {1, 100, syscall.SIGTERM},
		"after a kill, large bodies": {45, 900_000, syscall.SIGKILL},
	} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "130m")
			folder, s := filepath.Join(disk, "journal"), newSenders(8)
			p := startListen(t, folder, nil, "--min-free", "0")
			s.sendSized(t, p, test.count, test.size)
			if test.stop != 0 {
				_ = p.command.Process.Signal(test.stop)
				_ = p.command.Wait()
			}
			fillUp(t, filepath.Join(disk, "ballast"))
			purge := exec.CommandContext(t.Context(), program(t), "delivery", "purge", "--state", "pending", "--yes", "--journal", folder)
			purge.Env = append(os.Environ(), "HOME="+disk)
			said, err := purge.CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			if !strings.Contains(string(said), strconv.Itoa(test.count)) {
				t.Fatalf("the count %d is not in %s", test.count, said)
			}
			info, err := os.Stat(filepath.Join(folder, "journal.db"))
			if err != nil {
				t.Fatal(err)
			}
			if info.Size() > 1<<20 {
				t.Errorf("the file has %d bytes, want at most 1 MiB", info.Size())
			}
			if test.stop == 0 && !s.resumes(t, p) {
				t.Error("nothing is accepted afterwards")
			}
		})
	}
}

// A journal that is receiving can be purged, as by retention, after its writes have failed for want of space.
func TestReceivingJournalIsPurgedOnAFullDisk(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	for name, size := range map[string]int{"small bodies": 100, "usual bodies": 1000, "bodies of 40 kB": 40_000, "large bodies": 900_000} {
		t.Run(name, func(t *testing.T) {
			disk := smallDisk(t, "100m")
			j, err := journal.Open(filepath.Join(disk, "journal"), journal.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = j.Close() }()
			if err := j.KeepReserve(); err != nil {
				t.Fatal(err)
			}
			d := journal.Delivery{Event: "order.update", Received: time.Now(), Body: []byte(strings.Repeat("x", size))}
			stored := int64(0)
			for ; stored < 20_000; stored++ {
				if stored == 5 {
					fillUp(t, filepath.Join(disk, "ballast"))
				}
				d.Key, d.ObjectID = strconv.FormatInt(stored, 10), stored
				if _, err := j.Append(t.Context(), d); err != nil {
					break
				}
			}
			if j.Healthy() == nil {
				t.Fatal("the disk is not full")
			}
			n, err := j.Purge(t.Context(), journal.Filter{}, nil)
			if err != nil {
				t.Error(err)
			}
			if n < stored {
				t.Errorf("%d of %d purged", n, stored)
			}
			if d.Key = "later"; t.Failed() {
				return
			}
			if _, err := j.Append(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
}

// sendSized sends deliveries of a size, the senders in parallel.
func (s *senders) sendSized(t *testing.T, p *process, count, size int) {
	t.Helper()
	numbers := make(chan int)
	var all sync.WaitGroup
	for range s.next {
		all.Go(func() {
			for n := range numbers {
				m := newMessage(n, n)
				m.body = fmt.Appendf(nil, `{"subscriptionId":1,"event":"order.update","id":%d,"value":%q}`, n, strings.Repeat("x", size))
				status, err := post(t.Context(), http.DefaultClient, p.url, m)
				if err != nil {
					t.Error(err)
				} else if status != http.StatusOK {
					t.Errorf("answered %d, want 200", status)
				}
			}
		})
	}
	for n := range count {
		numbers <- n
	}
	close(numbers)
	all.Wait()
}

// A full disk is answered with 503, and with 200 again once there is room.
func TestFullDiskIsSurvived(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	disk := smallDisk(t, "8m")
	ballast, folder, s := filepath.Join(disk, "ballast"), filepath.Join(disk, "journal"), newSenders(8)
	if err := os.WriteFile(ballast, make([]byte, 6<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	p := startListen(t, folder, nil, "--min-free", "0")
	refused := 0
	for n := 0; refused < 5 && n < 20000; n++ {
		m := newMessage(n%50, n)
		s.sent[m.key] = m
		switch status, err := post(t.Context(), http.DefaultClient, p.url, m); {
		case err != nil:
			t.Fatal(err)
		case status == http.StatusOK:
			s.acked[m.key] = true
		case status == http.StatusServiceUnavailable:
			refused++
		default:
			t.Fatalf("answered %d", status)
		}
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if refused == 0 {
		t.Error("refused = 0")
	}
	if !s.resumes(t, p) {
		t.Errorf("%d refused; does it resume?", refused)
	}
	p.kill()
	switch got := s.compare(t, folder); {
	case got.lost+got.invented+got.altered > 0:
		t.Errorf("got.lost+got.invented+got.altered = %v, want 0", got.lost+got.invented+got.altered)
	case got.acknowledged == 0:
		t.Error("got.acknowledged = 0")
	}
	// With a reserve, deliveries are refused long before the disk is full.
	guarded := startListen(t, folder, nil, "--min-free", "256")
	defer guarded.kill()
	switch status, err := post(t.Context(), http.DefaultClient, guarded.url, newMessage(1, 1_000_000)); {
	case err != nil:
		t.Error(err)
	case status != http.StatusServiceUnavailable:
		t.Errorf("status = %v, want %v", status, http.StatusServiceUnavailable)
	}
}
