package tripletex

import "github.com/tlxhook/tlxhook/pkg/targeturl"

// wireSubscription is the body of a create or an update, with its secrets readable.
type wireSubscription struct {
	ID               int64   `json:"id,omitempty"`
	Version          *int    `json:"version,omitempty"`
	Event            string  `json:"event,omitempty"`
	TargetURL        string  `json:"targetUrl,omitempty"`
	Fields           *string `json:"fields,omitempty"`
	Status           Status  `json:"status,omitempty"`
	AuthHeaderName   string  `json:"authHeaderName,omitempty"`
	AuthHeaderValue  string  `json:"authHeaderValue,omitempty"`
	HMACSharedSecret string  `json:"hmacSharedSecret,omitempty"`
}

func (n NewSubscription) wire() wireSubscription {
	w := wireSubscription{
		Event: n.Event, TargetURL: sentTarget(n.TargetURL), Status: n.Status, AuthHeaderName: n.AuthHeaderName,
		AuthHeaderValue: n.AuthHeaderValue.Reveal(), HMACSharedSecret: n.HMACSharedSecret.Reveal(),
	}
	if n.Fields != "" {
		w.Fields = &n.Fields
	}
	return w
}

func (u SubscriptionUpdate) wire() wireSubscription {
	return wireSubscription{
		ID: u.ID, Version: &u.Version, TargetURL: sentTarget(u.TargetURL), Fields: u.Fields, Status: u.Status,
		AuthHeaderName: u.AuthHeaderName, AuthHeaderValue: u.AuthHeaderValue.Reveal(),
		HMACSharedSecret: u.HMACSharedSecret.Reveal(),
	}
}

// sentTarget returns a target as it is sent: as given, with the xn-- form of an internationalized host.
func sentTarget(given string) string {
	sent, _ := targeturl.ASCII(given) // Check refuses a host that is no name
	return sent
}
