package health

import (
	"fmt"
	"strconv"
	"strings"
)

// SubscriptionKey identifies a subscription across logins and companies.
type SubscriptionKey struct {
	Profile   string
	CompanyID int64
	ID        int64
}

// MarshalText returns the ID alone, or PROFILE/COMPANY/ID in a watch of several companies.
func (k SubscriptionKey) MarshalText() ([]byte, error) {
	if k.Profile == "" && k.CompanyID == 0 {
		return strconv.AppendInt(nil, k.ID, 10), nil
	}
	return fmt.Appendf(nil, "%s/%d/%d", k.Profile, k.CompanyID, k.ID), nil
}

// UnmarshalText parses the text of MarshalText.
func (k *SubscriptionKey) UnmarshalText(text []byte) (err error) {
	parts := strings.Split(string(text), "/")
	if n := len(parts); n >= 3 {
		k.Profile = strings.Join(parts[:n-2], "/")
		if k.CompanyID, err = strconv.ParseInt(parts[n-2], 10, 64); err != nil {
			return err
		}
	}
	k.ID, err = strconv.ParseInt(parts[len(parts)-1], 10, 64)
	return err
}

func (t Transition) key() SubscriptionKey { return SubscriptionKey{t.Profile, t.CompanyID, t.ID} }

func (k SubscriptionKey) company() companyKey { return companyKey{k.Profile, k.CompanyID} }
