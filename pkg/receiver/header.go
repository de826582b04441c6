package receiver

import (
	"net/http"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// secretNames returns parts of header names whose values are never stored.
func secretNames() []string {
	return []string{"auth", "cookie", "token", "secret", "passw", "session", "credential", "-key", "apikey", "jwt", "oidc", "assertion"}
}

// storedHeader returns the headers to store, without those in fields of a delivery, and with secrets masked.
func (r *Receiver) storedHeader(request *http.Request) http.Header {
	stored := http.Header{"Host": {maskWords(request.Host)}}
	if len(request.TransferEncoding) > 0 {
		stored["Transfer-Encoding"] = request.TransferEncoding
	}
	for name, values := range request.Header {
		if len(values) == 1 && isDeliveryField(name) {
			continue
		}
		masked := make([]string, len(values))
		for i, value := range values {
			masked[i] = r.maskHeader(name, value)
		}
		stored[name] = masked
	}
	return stored
}

// isDeliveryField reports whether a header is stored in a field of [journal.Delivery].
func isDeliveryField(name string) bool {
	return name == "Content-Type" || name == webhook.KeyHeader || name == webhook.SignatureHeader
}

// maskHeader returns the value of a header with secrets masked.
func (r *Receiver) maskHeader(name, value string) string {
	lower := strings.ToLower(name)
	isSecret := func(part string) bool { return strings.Contains(lower, part) }
	if strings.EqualFold(name, r.o.AuthHeader) || slices.ContainsFunc(secretNames(), isSecret) {
		return secret.Mask
	}
	return r.known.Redact(maskWords(value))
}

// maskWords masks each word that may be a URL with credentials: with a query, a fragment or userinfo.
func maskWords(text string) string {
	if !strings.ContainsAny(text, "?#@") {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		if strings.ContainsAny(word, "?#@") {
			words[i] = secret.MaskURL(word)
		}
	}
	return strings.Join(words, " ")
}
