// Package tripletex is a typed client for the parts of the Tripletex API v2 that webhooks need: sessions, events, event
// subscriptions, client companies, and the objects that events are about.
//
// Create a [Client] with [New]. It creates and renews its session, waits for the rate limit, and retries. Methods are
// named after the resource; their comments end with the HTTP method and path. A list is an iterator that fetches pages
// of 1,000 items on demand. A client is safe for concurrent use.
//
// A failed call returns an [*Error]; [KindOf] returns its kind. An error of the credentials source is returned
// unchanged. Reads, deletes and version-guarded updates are retried up to 4 times after network errors, 429 and 5xx.
// A create is retried only if the first request had no effect; see [Client.CreateSubscriptions].
//
// Tokens and secrets are of type [secret.Text], a string type that prints as "[redacted]", so that printing or logging
// a struct does not expose them. Convert a string with secret.Text(s). Untyped constants need no conversion.
//
// [secret.Text]: https://pkg.go.dev/github.com/tlxhook/tlxhook/pkg/secret#Text
package tripletex
