package health

import (
	"fmt"
	"strconv"
	"strings"
)

// SubscriptionKey names a subscription among those of several logins and companies.
type SubscriptionKey struct {
	Profile   string
	CompanyID int64
	ID        int64
}

// MarshalText writes the id alone, or PROFILE/COMPANY/ID where there are several companies.
func (s SubscriptionKey) MarshalText() ([]byte, error) {
	if s.Profile == "" && s.CompanyID == 0 {
		return strconv.AppendInt(nil, s.ID, 10), nil
	}
	return fmt.Appendf(nil, "%s/%d/%d", s.Profile, s.CompanyID, s.ID), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *SubscriptionKey) UnmarshalText(text []byte) (err error) {
	parts := strings.Split(string(text), "/")
	if n := len(parts); n >= 3 {
		s.Profile = strings.Join(parts[:n-2], "/")
		if s.CompanyID, err = strconv.ParseInt(parts[n-2], 10, 64); err != nil {
			return err
		}
	}
	s.ID, err = strconv.ParseInt(parts[len(parts)-1], 10, 64)
	return err
}

func (t Transition) key() SubscriptionKey { return SubscriptionKey{t.Profile, t.CompanyID, t.ID} }

func (s SubscriptionKey) company() company { return company{s.Profile, s.CompanyID} }
