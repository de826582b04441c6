package sandbox

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// kind is a type of object. Paths and methods are those of Swagger 2.70.19.
type kind struct {
	name  string // in event names
	about string // in event descriptions
	model string // type name of the service; empty if unknown
	// path of the objects below /v2; empty without an endpoint.
	path string
	// methods are the allowed ones of "create", "update" and "delete", separated by blanks.
	methods string
	// created, updated and deleted are event names; empty without an event.
	created, updated, deleted string
	// changedSince reports whether lists have the parameter changedSince.
	changedSince bool
	// inactive reports whether lists have the parameter isInactive, which is false by default.
	inactive bool
	// date is the field with a required range in lists, in the parameters date+"From" and date+"To".
	date string
	// unversioned objects have version 0 after an update, too. Source: the official sample of archiverelation.update.
	unversioned bool
	// example contains the fields of a new object, without the common ones.
	example object
}

func kinds() []kind {
	reference := func(id int) object { return object{{"id", id}} }
	return append([]kind{
		crud(kind{
			name: "account", about: "Account", path: "/ledger/account",
			example: object{{"number", 3000}, {"name", "Salgsinntekt, avgiftspliktig"}, {"isInactive", false}},
		}),
		crud(kind{name: "archiverelation", about: "Archive relation", model: "ArchiveRelation", unversioned: true, example: archived()}),
		{
			name: "closegroup", about: "Close group", model: "CloseGroup", path: "/ledger/closeGroup", date: "date",
			created: "closegroup.create", deleted: "closegroup.delete",
			example: object{{"date", "2026-05-11"}, {"postings", []object{reference(701)}}},
		},
		crud(kind{
			name: "contact", about: "Contact", path: "/contact",
			example: object{{"firstName", "Kari"}, {"lastName", "Nordmann"}, {"email", "kari@example.no"}, {"customer", reference(301)}},
		}),
		crud(kind{name: "customer", about: "Customer", path: "/customer", changedSince: true, inactive: true, example: firm()}),
		crud(kind{
			name: "employee", about: "Employee", path: "/employee", methods: "create update",
			example: object{{"firstName", "Ola"}, {"lastName", "Nordmann"}, {"employeeNumber", "7"}, {"email", "ola@example.no"}},
		}),
		{
			name: "invoice", about: "Invoice", model: "Invoice", path: "/invoice", methods: "create", date: "invoiceDate",
			created: "invoice.charged",
			example: object{
				{"invoiceNumber", 10042},
				{"invoiceDate", "2026-05-11"},
				{"customer", reference(301)},
				{"amount", 12500.00},
				{"amountExcludingVat", 10000.00},
				{"currency", reference(1)},
			},
		},
		{
			name: "notification", about: "Notification", model: "Notification", created: "notification.sent",
			example: object{{"title", "Faktura betalt"}, {"message", "Faktura 10042 er betalt."}},
		},
		crud(kind{
			name: "order", about: "Order", path: "/order", date: "orderDate",
			example: object{
				{"number", "2001"},
				{"orderDate", "2026-05-11"},
				{"deliveryDate", "2026-05-18"},
				{"customer", reference(301)},
				{"isClosed", false},
			},
		}),
		crud(kind{
			name: "product", about: "Product", path: "/product",
			example: object{{"name", "Arbeidstime"}, {"number", "100"}, {"priceExcludingVatCurrency", 950.00}, {"isInactive", false}},
		}),
		crud(kind{
			name: "project", about: "Project", path: "/project",
			example: object{{"name", "Nytt tak"}, {"number", "P-17"}, {"startDate", "2026-05-01"}, {"customer", reference(301)}},
		}),
		crud(kind{name: "supplier", about: "Supplier", path: "/supplier", changedSince: true, inactive: true, example: firm()}),
		crud(kind{name: "voucher", about: "Voucher", path: "/ledger/voucher", date: "date", example: receipt()}),
		{
			name: "voucherstatus", about: "Voucher status", model: "VoucherStatus", path: "/voucherStatus", methods: "create",
			created: "voucherstatus.ready",
			example: object{{"voucher", reference(501)}, {"type", "TRIPLETEX"}, {"status", "WAITING"}, {"message", "NONE"}},
		},
	}, undocumented()...)
}

// undocumented returns the kinds that are only known by the names of their events. Source: observed in March 2026.
func undocumented() []kind {
	return []kind{
		{name: "expiredcompany", about: "Expired company", deleted: "expiredcompany.deleted"},
		{name: "tripletexcustomer", about: "Tripletex customer", updated: "tripletexcustomer.update"},
		{
			name: "vatdeliverystatus", about: "VAT delivery status", created: "vatdeliverystatus.create",
			updated: "vatdeliverystatus.update", deleted: "vatdeliverystatus.delete",
		},
		{name: "vatpaymentstatus", about: "VAT payment status", updated: "vatpaymentstatus.update"},
	}
}

// archived returns the fields of a relation between a document and a project. Source: the official sample.
func archived() object {
	return object{
		{"document", object{
			{"id", 4},
			{"version", 0},
			{"fileName", "kontrakt.pdf"},
			{"size", 48213},
			{"archiveDate", "2026-05-11"},
			{"mimeType", "application/pdf"},
		}},
		{"archiveObjectId", 8},
		{"archiveObjectType", "PROJECT"},
	}
}

func firm() object {
	return object{
		{"name", "Fjellheim Bygg AS"},
		{"organizationNumber", "910000000"},
		{"email", "post@example.no"},
		{"isPrivateIndividual", false},
		{"phoneNumber", "22 22 22 22"},
	}
}

func receipt() object {
	return object{{"number", 42}, {"date", "2026-05-11"}, {"description", "Husleie mai"}, {"year", 2026}}
}

// crud returns k with the events create, update and delete.
func crud(k kind) kind {
	k.created, k.updated, k.deleted = k.name+".create", k.name+".update", k.name+".delete"
	if k.model == "" {
		k.model = k.about
	}
	if k.methods == "" {
		k.methods = "create update delete"
	}
	return k
}

func findKind(name string) kind {
	all := kinds()
	return all[slices.IndexFunc(all, func(k kind) bool { return k.name == name })]
}

// kindOf returns the kind of a model; its name is empty for a model without events.
func kindOf(model string) kind {
	for _, k := range kinds() {
		if k.model == model {
			return k
		}
	}
	return kind{}
}

// can reports whether the API has a method for the kind.
func (k kind) can(method string) bool { return strings.Contains(k.methods, method) }

// address returns the url field of an object, which has no scheme, or nil for a kind without an endpoint.
func (k kind) address(host string, id int64) *string {
	if k.path == "" {
		return nil
	}
	return orNull(fmt.Sprintf("%s%s%s/%d", host, basePath, k.path, id))
}

// address returns the url field of an object of a model. Most models without events have their name as path.
func address(model, host string, id int64) *string {
	k := kindOf(model)
	if k.name == "" {
		k.path = map[string]string{
			"OrderLine": "/order/orderline", "Posting": "/ledger/posting", "ProductUnit": "/product/unit",
			"VatType": "/ledger/vatType", "VoucherType": "/ledger/voucherType",
		}[model]
	}
	if k.path == "" && k.name == "" {
		k.path = "/" + string(unicode.ToLower(rune(model[0]))) + model[1:]
	}
	return k.address(host, id)
}
