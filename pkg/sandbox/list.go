package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
)

// maxCount is the maximum page size. The limit of the service is unknown.
const maxCount = 10000

type listBody struct {
	FullResultSize int      `json:"fullResultSize"`
	From           int      `json:"from"`
	Count          int      `json:"count"`
	VersionDigest  *string  `json:"versionDigest"`
	Values         []object `json:"values"`
}

// list returns the page of n objects of a model that the request's sorting, from, count, fields and If-None-Match select.
func list(r *request, n int, at func(int) object, model string, digests bool) *reply {
	from, refused := r.number("from", 0)
	if refused != nil {
		return refused
	}
	count, refused := r.number("count", 1000)
	if refused != nil {
		return refused
	}
	fields, refused := r.fields(model)
	if refused != nil {
		return refused
	}
	if at, refused = r.sorted(n, at, model); refused != nil {
		return refused
	}
	first := min(from, n)
	last := min(first+min(count, maxCount), n)
	body := listBody{FullResultSize: n, From: from, Count: last - first, Values: make([]object, last-first)}
	for i := range body.Values {
		body.Values[i] = at(first + i).pick(fields)
	}
	digest := r.digest(body, digests)
	if digest != nil && r.Header.Get("If-None-Match") == *digest {
		return &reply{status: http.StatusNotModified}
	}
	body.VersionDigest = digest
	return &reply{status: http.StatusOK, body: body}
}

// digest returns the versionDigest field. Source: changelog 2.59.0; the texts for missing support were observed.
func (r *request) digest(body listBody, supported bool) *string {
	var text string
	switch {
	case r.switches.is(switchDigest, "null"):
		return nil
	case !supported || r.switches.is(switchDigest, "unsupported"):
		text = "Checksum not yet supported for this endpoint"
	case r.Header.Get("If-None-Match") == "":
		text = "'If-None-Match' header not specified"
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			return nil
		}
		sum := sha256.Sum256(raw)
		text = hex.EncodeToString(sum[:16])
	}
	return &text
}

// number parses a query parameter as a non-negative number.
func (r *request) number(name string, fallback int) (int, *reply) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return fallback, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, wrongFormat("number", text)
	case n < 0:
		return 0, invalid(validation{Field: name, Message: "Kan ikke være under 0"}.at("null"))
	}
	return n, nil
}
