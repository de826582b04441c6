package journal

import (
	"fmt"
	"sync"
	"time"
)

// lookAgain is how long a look at the free space holds.
const lookAgain = time.Second

// space guards the free space of a disk: a journal that stops early leaves room for the work that empties it.
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
	if now := time.Now(); s.looked.IsZero() || now.Sub(s.looked) > lookAgain {
		s.free, _, s.err = Space(s.folder)
		s.looked = now
	}
	return s.free, s.err
}

// check returns ErrSpace where less is free than is to stay so.
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
