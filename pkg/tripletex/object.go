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
)

// ObjectKind is a kind of object that events are about, and how the API lists it.
// Source: OpenAPI 2.74 for paths and parameters, changelog and webhook page for events.
type ObjectKind struct {
	// Name is what the names of its events begin with, in lower case.
	Name string
	// Created, Updated and Deleted are the events; empty where there is none.
	Created, Updated, Deleted string
	// Dated tells that a list must be limited by dates.
	Dated bool
	// ChangedSince tells that a list can be limited to what has changed.
	ChangedSince bool

	path     string
	from, to string // the parameters of the dates; the second is excluded
	// inactive tells that a list holds what is active unless it is asked for the rest.
	inactive bool
}

// ObjectKinds returns every kind that can be listed, in the order of names.
func ObjectKinds() []ObjectKind {
	kind := func(name, path string) ObjectKind {
		return ObjectKind{Name: name, path: path, Created: name + ".create", Updated: name + ".update", Deleted: name + ".delete"}
	}
	dated := func(k ObjectKind, field string) ObjectKind {
		k.Dated, k.from, k.to = true, field+"From", field+"To"
		return k
	}
	firm := func(name string) ObjectKind {
		k := kind(name, "/"+name)
		k.ChangedSince, k.inactive = true, true
		return k
	}
	return []ObjectKind{
		kind("account", "/ledger/account"),
		dated(ObjectKind{Name: "closegroup", path: "/ledger/closeGroup", Created: "closegroup.create", Deleted: "closegroup.delete"}, "date"),
		kind("contact", "/contact"),
		firm("customer"),
		kind("employee", "/employee"),
		dated(ObjectKind{Name: "invoice", path: "/invoice", Created: "invoice.charged"}, "invoiceDate"),
		dated(kind("order", "/order"), "orderDate"),
		kind("product", "/product"),
		kind("project", "/project"),
		firm("supplier"),
		dated(kind("voucher", "/ledger/voucher"), "date"),
	}
}

// FindObjectKind returns the kind of a name, which is compared without case.
func FindObjectKind(name string) (ObjectKind, bool) {
	all := ObjectKinds()
	i := slices.IndexFunc(all, func(k ObjectKind) bool { return strings.EqualFold(k.Name, name) })
	if i < 0 {
		return ObjectKind{}, false
	}
	return all[i], true
}

// Object is what tells whether an object has changed.
type Object struct {
	ID int64 `json:"id"`
	// Version counts the updates, from 0.
	Version int64 `json:"version"`
}

// ObjectValue is an object with what a delivery would hold of it.
type ObjectValue struct {
	Object
	Value json.RawMessage
}

// ObjectList says which objects of a kind are listed.
type ObjectList struct {
	// ChangedSince limits the list where the kind can; zero for all.
	ChangedSince time.Time
	// From and To are the first date and the one after the last, for kinds that are [ObjectKind.Dated].
	From, To time.Time
	// Kept returns what was kept of a page in an earlier run; the zero mark for nothing. It may be nil. It is asked only
	// where one list holds the whole kind, so that all ids between those of a page are on it.
	Kept func(name string) PageMark
}

// PageMark is what is kept of a page, to ask cheaply whether it has changed.
type PageMark struct {
	Digest string
	Count  int
	// First and Last are the lowest and the highest id on the page.
	First, Last int64
}

// ObjectPage is one page of a list of objects.
type ObjectPage struct {
	// Name is the same in every run over the same list.
	Name string
	// Objects are those that no page before held, in the order of ids.
	Objects []Object
	// Fresh is how many of those there are, also where they did not come.
	Fresh int
	Mark  PageMark
	// Same tells that nothing came, as the page is what its mark was kept of.
	Same bool

	list call
	from int
}

const (
	// codeTooMany is Tripletex's code for a list that matches more than 10,000 objects, whatever the page.
	codeTooMany = 23000
	// onlyVersions is the fields filter for what tells whether an object has changed.
	onlyVersions = "id,version"
)

var errUnsorted = errors.New("the list is not in the order of ids that was asked for")

// ObjectValues returns the objects of a page as deliveries with a fields filter would hold them, and always with id and
// version. What was changed since the page was read is as it is now.
//
// GET on the path of the kind.
func (c *Client) ObjectValues(ctx context.Context, p ObjectPage, fields string) ([]ObjectValue, error) {
	if err := c.spare(ctx, p.list.operation); err != nil {
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

// Object returns one object as a delivery with a fields filter would hold it, and always with id and version. One that
// is not there is a [NotFound] error.
//
// GET on the path of the kind, with the id.
func (c *Client) Object(ctx context.Context, kind ObjectKind, id int64, fields string) (ObjectValue, error) {
	one := call{
		operation: "show " + kind.Name + " " + strconv.FormatInt(id, 10), method: http.MethodGet,
		path: kind.path + "/" + strconv.FormatInt(id, 10), query: withFields(nil, fields),
	}
	if err := c.spare(ctx, one.operation); err != nil {
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

// withFields adds a fields filter to the parameters of a list. A filter that leaves out id or version gets them.
func withFields(query url.Values, fields string) url.Values {
	with := url.Values{}
	maps.Copy(with, query)
	if fields == "" {
		return with
	}
	names := []string{fields}
	if top := topFields(fields); !slices.Contains(top, "*") {
		for name := range strings.SplitSeq(onlyVersions, ",") {
			if !slices.Contains(top, name) {
				names = append(names, name)
			}
		}
	}
	with.Set("fields", strings.Join(names, ","))
	return with
}

// topFields returns the names in a fields filter that are of the object itself: "a,b(c,d)" has a and b(c,d).
func topFields(fields string) []string {
	depth := 0
	return strings.FieldsFunc(fields, func(r rune) bool {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		return depth == 0 && (r == ',' || r == ' ')
	})
}
