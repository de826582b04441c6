package health

import (
	"encoding/json"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// discovered is an entity of Zabbix low-level discovery. Every value is text.
type discovered struct {
	Profile    string `json:"{#PROFILE}"`
	ID         string `json:"{#SUBID}"`
	Event      string `json:"{#EVENT}"`
	TargetHost string `json:"{#TARGETHOST}"`
	CompanyID  string `json:"{#COMPANYID},omitempty"` // in a report on several companies
	Company    string `json:"{#COMPANY},omitempty"`
}

// ZabbixDiscovery renders the subscriptions for low-level discovery. It returns nil if a company was unreachable: from
// a shorter list Zabbix would delete the missing items.
func (r *Report) ZabbixDiscovery(profile string) ([]byte, error) {
	if r.Problem != nil || r.unreachable() > 0 {
		return nil, nil
	}
	items := make([]discovered, len(r.Subscriptions))
	for i, f := range r.Subscriptions {
		items[i] = discovered{
			Profile: profile, ID: strconv.FormatInt(f.ID, 10), Event: terminal.Safe(f.Event),
			TargetHost: terminal.Safe(f.TargetHost),
		}
		if f.Company != "" {
			items[i].CompanyID, items[i].Company = strconv.FormatInt(f.CompanyID, 10), terminal.Safe(f.Company)
		}
	}
	raw, err := json.Marshal(items)
	return append(raw, '\n'), err
}
