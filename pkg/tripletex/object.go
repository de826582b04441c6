package tripletex

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"github.com/tlxhook/tlxhook/pkg/payload"
)

// ObjectKind is a kind of object that events are about.
// Source: OpenAPI 2.74 for paths and parameters, changelog and webhook page for events.
type ObjectKind struct {
	// Name is the first part of the names of its events, in lower case.
	Name string
	// Created, Updated and Deleted are event names, or empty without such an event.
	Created, Updated, Deleted string
	// Dated means that a list requires [ObjectList.From] and [ObjectList.To].
	Dated bool
	// ChangedSince means that [ObjectList.ChangedSince] has an effect.
	ChangedSince bool

	path     string
	from, to string // query parameters of the dates; to is exclusive
	// inactive means that a list contains only active objects unless inactive ones are requested.
	inactive bool
}

// ObjectKinds returns all kinds that can be listed, sorted by name.
func ObjectKinds() []ObjectKind {
	kind := func(name, path string) ObjectKind {
		return ObjectKind{Name: name, path: path, Created: name + ".create", Updated: name + ".update", Deleted: name + ".delete"}
	}
	dated := func(k ObjectKind, field string) ObjectKind {
		k.Dated, k.from, k.to = true, field+"From", field+"To"
		return k
	}
	partner := func(name string) ObjectKind {
		k := kind(name, "/"+name)
		k.ChangedSince, k.inactive = true, true
		return k
	}
	return []ObjectKind{
		kind("account", "/ledger/account"),
		dated(ObjectKind{Name: "closegroup", path: "/ledger/closeGroup", Created: "closegroup.create", Deleted: "closegroup.delete"}, "date"),
		kind("contact", "/contact"),
		partner("customer"),
		kind("employee", "/employee"),
		dated(ObjectKind{Name: "invoice", path: "/invoice", Created: "invoice.charged"}, "invoiceDate"),
		dated(kind("order", "/order"), "orderDate"),
		kind("product", "/product"),
		kind("project", "/project"),
		partner("supplier"),
		dated(kind("voucher", "/ledger/voucher"), "date"),
	}
}

// FindObjectKind returns the kind with a name, ignoring case.
func FindObjectKind(name string) (ObjectKind, bool) {
	all := ObjectKinds()
	i := slices.IndexFunc(all, func(k ObjectKind) bool { return strings.EqualFold(k.Name, name) })
	if i < 0 {
		return ObjectKind{}, false
	}
	return all[i], true
}

// Object is the ID and the version of an object.
type Object struct {
	ID int64 `json:"id"`
	// Version counts the updates, from 0.
	Version int64 `json:"version"`
}

// ObjectValue is an object as a delivery contains it.
type ObjectValue struct {
	Object
	Value json.RawMessage // the object as JSON
}

// ObjectList limits a list of objects.
type ObjectList struct {
	// ChangedSince selects objects that changed at or after a time, for kinds with [ObjectKind.ChangedSince]. Zero selects
	// all.
	ChangedSince time.Time
	// From is the first date and To the day after the last date, for kinds with [ObjectKind.Dated].
	From, To time.Time
	// Kept, if not nil, returns the stored mark of a page by [ObjectPage.Name], or the zero mark. It is called only for
	// kinds that need a single list, also concurrently and while the caller uses an earlier page.
	Kept func(name string) PageMark
}

// PageMark identifies the content of a page, to detect at low cost whether it has changed.
type PageMark struct {
	Digest string // of the service
	Count  int    // objects on the page
	// First and Last are the lowest and the highest ID on the page.
	First, Last int64
}

// ObjectPage is one page of a list of objects.
type ObjectPage struct {
	// Name identifies the page among all lists. It is the same in each run.
	Name string
	// Objects are the objects that no earlier page had, in the order of IDs.
	Objects []Object
	// Fresh is the number of objects that no earlier page had, also if Same is set.
	Fresh int
	// Mark is the mark to store for the next run.
	Mark PageMark
	// Same reports that the page equals its stored mark; Objects is then empty.
	Same bool

	list call
	from int
}

const (
	// codeTooMany is the code of Tripletex for a list that matches more than 10,000 objects.
	codeTooMany = 23000
	// onlyVersions is the fields filter for the fields of [Object].
	onlyVersions = "id,version"
)

var errUnsorted = errors.New("the list is not sorted by ID as requested")

// ObjectValues returns the objects of a page in their current state, as deliveries with a fields filter contain them.
// The filter is that of [Subscription.Fields]; id and version are always included. It first waits as
// [Client.ObjectPages] does.
//
// GET on the path of the kind, such as /order.
func (c *Client) ObjectValues(ctx context.Context, p ObjectPage, fields string) ([]ObjectValue, error) {
	if err := c.waitForReserve(ctx, p.list.operation); err != nil {
		return nil, err
	}
	list := p.list
	list.query = withFields(list.query, fields)
	got, _, err := onePage[json.RawMessage](ctx, c, list, p.from)
	if err != nil {
		return nil, err
	}
	values := make([]ObjectValue, len(got.Values))
	for i, raw := range got.Values {
		if values[i], err = objectValue(list.operation, raw); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Object returns one object as a delivery with a fields filter contains it, always with id and version, or a [NotFound]
// error.
//
// GET on the path of the kind with the ID, such as /order/{id}.
func (c *Client) Object(ctx context.Context, kind ObjectKind, id int64, fields string) (ObjectValue, error) {
	one := call{
		operation: "show " + kind.Name + " " + strconv.FormatInt(id, 10), method: http.MethodGet,
		path: kind.path + "/" + strconv.FormatInt(id, 10), query: withFields(nil, fields),
	}
	if err := c.waitForReserve(ctx, one.operation); err != nil {
		return ObjectValue{}, err
	}
	raw, err := value[json.RawMessage](ctx, c, one)
	if err != nil {
		return ObjectValue{}, err
	}
	return objectValue(one.operation, raw)
}

func objectValue(operation string, raw json.RawMessage) (ObjectValue, error) {
	v := ObjectValue{Value: raw}
	if err := jsonv2.Unmarshal(raw, &v.Object); err != nil || v.ID == 0 {
		return v, &Error{Kind: Foreign, Operation: operation, Err: errNoValue}
	}
	return v, nil
}

// withFields returns the query with a fields filter that includes id and version.
func withFields(query url.Values, fields string) url.Values {
	with := url.Values{}
	maps.Copy(with, query)
	if fields == "" {
		return with
	}
	names := []string{fields}
	filter, _ := payload.Parse(fields) // the service reports an invalid one
	for name := range strings.SplitSeq(onlyVersions, ",") {
		if !filter.Has(name) {
			names = append(names, name)
		}
	}
	with.Set("fields", strings.Join(names, ","))
	return with
}
