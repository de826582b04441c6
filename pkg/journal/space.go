package journal

import (
	"fmt"
	"sync"
	"time"
)

// recheckAfter is the time for which a measurement of the free space is used.
const recheckAfter = time.Second

// space checks the free disk space: a journal that stops early leaves room for forwarding and purging.
type space struct {
	folder  string
	minimum int64
	mu      sync.Mutex
	looked  time.Time
	free    int64
	err     error
}

func newSpace(folder string, minimum int64) *space { return &space{folder: folder, minimum: minimum} }

// available returns the free space in bytes.
func (s *space) available() (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.looked.IsZero() || now.Sub(s.looked) > recheckAfter {
		s.free, _, s.err = Space(s.folder)
		s.looked = now
	}
	return s.free, s.err
}

// check returns ErrSpace if less than the minimum is free.
func (s *space) check() error {
	if s.minimum <= 0 {
		return nil
	}
	free, err := s.available()
	if err == nil && free < s.minimum {
		err = fmt.Errorf("%w: %d MiB are free, %d MiB are to stay so", ErrSpace, free>>20, s.minimum>>20)
	}
	return err
}
