// Package tripletex is a typed client for the parts of the Tripletex API v2 that webhooks need: sessions,
// events, event subscriptions and the companies a login reaches.
// It leaves to others where tokens rest, what is healthy, and how anything is shown.
//
// Methods are named after the resource and their comments end with the verb and path they call. A list is an
// iterator that fetches page after page. Every failure is an [*Error]. A client is safe for concurrent use.
//
// Reading, deleting and version-guarded updating are repeated after network errors, 429 and 5xx. Creating is
// repeated only where it is sure that nothing was made; see [Client.CreateSubscriptions].
package tripletex
