package health

import (
	"encoding/json"
	"strconv"

	"github.com/tlxhook/tlxhook/pkg/terminal"
)

// discovered is what Zabbix makes items from. Every value is text.
type discovered struct {
	Profile    string `json:"{#PROFILE}"`
	ID         string `json:"{#SUBID}"`
	Event      string `json:"{#EVENT}"`
	TargetHost string `json:"{#TARGETHOST}"`
}

// ZabbixDiscovery renders the subscriptions for low-level discovery. Where nobody could be asked it is empty: an
// empty list would make Zabbix delete its items.
func (r *Report) ZabbixDiscovery(profile string) ([]byte, error) {
	if r.Problem != nil {
		return nil, nil
	}
	items := make([]discovered, len(r.Subscriptions))
	for i, f := range r.Subscriptions {
		items[i] = discovered{profile, strconv.FormatInt(f.ID, 10), terminal.Safe(f.Event), terminal.Safe(f.TargetHost)}
	}
	raw, err := json.Marshal(items)
	return append(raw, '\n'), err
}
