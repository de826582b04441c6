package sandbox

import (
	"fmt"
	"strings"
)

// kind is a type of object. Paths and methods are those of Swagger 2.70.19; most fields of the service are omitted.
type kind struct {
	name  string // in event names
	about string // in event descriptions
	model string // type name of the service
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
	// example contains the fields of a new object, without the common ones.
	example object
}

func kinds() []kind {
	reference := func(id int) object { return object{{"id", id}} }
	return []kind{
		crud(kind{
			name: "account", about: "Account", path: "/ledger/account",
			example: object{{"number", 3000}, {"name", "Salgsinntekt, avgiftspliktig"}, {"isInactive", false}},
		}),
		crud(kind{
			name: "archiverelation", about: "Archive relation", model: "ArchiveRelation",
			example: object{{"objectType", "VOUCHER"}, {"objectId", 501}, {"archiveObjectId", 601}},
		}),
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
			created: "voucherstatus.ready", example: receipt(),
		},
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

func findKind(name string) (kind, bool) {
	for _, k := range kinds() {
		if k.name == name {
			return k, true
		}
	}
	return kind{}, false
}

// can reports whether the API has a method for the kind.
func (k kind) can(method string) bool { return strings.Contains(k.methods, method) }

// address returns the url field of an object, which has no scheme.
func (k kind) address(host string, id int64) string {
	path := k.path
	if path == "" {
		path = "/" + k.name
	}
	return fmt.Sprintf("%s%s%s/%d", host, basePath, path, id)
}
