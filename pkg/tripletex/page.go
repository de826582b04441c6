package tripletex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	// pageSize is the default of the service.
	pageSize = 1000
	// maxPages bounds the pages of a list.
	maxPages = 1000
)

var errEndless = errors.New("the list repeats a page or does not end")

// page is the envelope of a list. Its fullResultSize is documented as inexact and is not read.
type page[T any] struct {
	VersionDigest string   `json:"versionDigest"`
	Values        items[T] `json:"values"`
}

// maxItems bounds the items of a list in one response. A page has at most pageSize.
const maxItems = 10 * pageSize

var errTooMany = fmt.Errorf("a list in the response has more than %d items", maxItems)

// items is a list of at most maxItems, so that a small compressed response cannot use much memory.
type items[T any] []T

// UnmarshalJSONFrom implements jsonv2.UnmarshalerFrom.
func (l *items[T]) UnmarshalJSONFrom(decoder *jsontext.Decoder) error {
	if decoder.PeekKind() == 'n' {
		return decoder.SkipValue()
	}
	if begin, err := decoder.ReadToken(); err != nil || begin.Kind() != '[' {
		return errors.Join(err, errNoValue)
	}
	*l = items[T]{}
	start := decoder.InputOffset()
	for decoder.PeekKind() != ']' {
		if len(*l) == maxItems {
			return errTooMany
		}
		if len(*l) == 1 { // room for the rest, if all items have the length of the first one
			length := int(decoder.InputOffset() - start)
			*l = slices.Grow(*l, min(len(decoder.UnreadBuffer())/length+1, maxItems))
		}
		var item T
		if err := jsonv2.UnmarshalDecode(decoder, &item); err != nil {
			return err
		}
		*l = append(*l, item)
	}
	_, err := decoder.ReadToken()
	return err
}

// pages yields the items of a list, page by page until one is not full. It yields each ID once, because items can move
// to another page during the iteration.
func pages[T any](ctx context.Context, c *Client, list call, id func(T) int64) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var seen map[int64]bool
		for n := range maxPages {
			got, _, err := onePage[T](ctx, c, list, n*pageSize)
			if err != nil {
				yield(none, err)
				return
			}
			if seen == nil {
				seen = make(map[int64]bool, len(got.Values))
			}
			fresh := false
			for _, item := range got.Values {
				if seen[id(item)] {
					continue
				}
				seen[id(item)] = true
				fresh = true
				if !yield(item, nil) {
					return
				}
			}
			if len(got.Values) < pageSize {
				return
			}
			if !fresh {
				break
			}
		}
		yield(none, &Error{Kind: Foreign, Operation: list.operation, Err: errEndless})
	}
}

// onePage requests one page. It returns true if the page still matches list.match and has no body.
func onePage[T any](ctx context.Context, c *Client, list call, from int) (page[T], bool, error) {
	query := url.Values{"from": {strconv.Itoa(from)}, "count": {strconv.Itoa(pageSize)}}
	if from > 0 {
		list.operation += ", page " + strconv.Itoa(from/pageSize+1)
	}
	maps.Copy(query, list.query)
	list.method, list.query = http.MethodGet, query
	got, err := c.do(ctx, list)
	if err != nil || got.status == http.StatusNotModified {
		return page[T]{}, err == nil, err
	}
	var decoded page[T]
	if err := got.decode(list.operation, &decoded); err != nil {
		return decoded, false, err
	}
	if decoded.Values == nil {
		return decoded, false, &Error{Kind: Foreign, Operation: list.operation, Err: errNoValue}
	}
	if !slices.ContainsFunc(decoded.Values, isIncomplete) {
		return decoded, false, nil
	}
	return page[T]{}, false, &Error{Kind: Foreign, Operation: list.operation, Err: errIncomplete}
}

var errIncomplete = errors.New("a required ID, event or token is missing in the response")

// isIncomplete reports whether an item has no valid ID, no event or no token, such as null.
func isIncomplete[T any](item T) bool {
	switch v := any(item).(type) {
	case Subscription:
		return v.ID <= 0 || v.Event == ""
	case Company:
		return v.ID <= 0
	case Login:
		return v.EmployeeID <= 0 && v.CompanyID <= 0
	case sessionToken:
		return v.Token == ""
	}
	return false
}
