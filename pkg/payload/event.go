package payload

import "strings"

// OfEvent returns the models that the value of an event may have, ignoring case: none for an event whose payload is
// unknown, and two for voucherstatus.ready, of which no source states whether it carries the status or the voucher.
func OfEvent(event string) []Model {
	about, _, _ := strings.Cut(strings.ToLower(event), ".")
	var models []Model
	for name := range strings.FieldsSeq(map[string]string{
		"account":         "Account",
		"archiverelation": "ArchiveRelation",
		"closegroup":      "CloseGroup",
		"contact":         "Contact",
		"customer":        "Customer",
		"employee":        "Employee",
		"invoice":         "Invoice",
		"notification":    "Notification",
		"order":           "Order",
		"product":         "Product",
		"project":         "Project",
		"supplier":        "Supplier",
		"voucher":         "Voucher",
		"voucherstatus":   "VoucherStatus Voucher",
	}[about]) {
		m, _ := Find(name) // a test looks each of them up
		models = append(models, m)
	}
	return models
}

// IsDeletion reports whether the value of an event is null, because its object does not exist any more.
func IsDeletion(event string) bool {
	_, verb, _ := strings.Cut(strings.ToLower(event), ".")
	return verb == "delete" || verb == "deleted"
}
