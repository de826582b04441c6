package tripletex

import "github.com/tlxhook/tlxhook/pkg/targeturl"

// wireSubscription is the body of a create or an update, with its secrets in plain text.
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

// sentTarget returns a target in the form that is sent, with an internationalized host in its xn-- form.
func sentTarget(given string) string {
	sent, _ := targeturl.ASCII(given) // Check rejects an invalid host
	return sent
}
