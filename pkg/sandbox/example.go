package sandbox

import (
	"fmt"
	"strings"
)

// exampleID is the id of the object in every example payload.
const exampleID = 1001

// example returns the object that an example delivery of an event carries, or nil for a deletion.
func example(e eventInfo, host string) any {
	if e.model == "" {
		return nil
	}
	kind, _, _ := strings.Cut(e.name, ".")
	head := object{
		{"id", exampleID},
		{"version", 1},
		{"url", fmt.Sprintf("%s%s/%s/%d", host, basePath, kind, exampleID)},
	}
	return append(head, exampleFields(kind, host)...)
}

func exampleFields(kind, host string) object {
	reference := func(kind string, id int) object {
		return object{{"id", id}, {"url", fmt.Sprintf("%s%s/%s/%d", host, basePath, kind, id)}}
	}
	switch kind {
	case "account":
		return object{{"number", 3000}, {"name", "Salgsinntekt, avgiftspliktig"}, {"isInactive", false}}
	case "archiverelation":
		return object{{"objectType", "VOUCHER"}, {"objectId", 501}, {"archiveObjectId", 601}}
	case "closegroup":
		return object{{"date", "2026-05-11"}, {"postings", []object{reference("ledger/posting", 701)}}}
	case "contact":
		return object{{"firstName", "Kari"}, {"lastName", "Nordmann"}, {"email", "kari@example.no"}, {"customer", reference("customer", 301)}}
	case "customer", "supplier":
		return object{
			{"name", "Fjellheim Bygg AS"},
			{"organizationNumber", "910000000"},
			{"email", "post@example.no"},
			{"isPrivateIndividual", false},
			{"phoneNumber", "22 22 22 22"},
		}
	case "employee":
		return object{{"firstName", "Ola"}, {"lastName", "Nordmann"}, {"employeeNumber", "7"}, {"email", "ola@example.no"}}
	case "invoice":
		return object{
			{"invoiceNumber", 10042},
			{"invoiceDate", "2026-05-11"},
			{"customer", reference("customer", 301)},
			{"amount", 12500.00},
			{"amountExcludingVat", 10000.00},
			{"currency", reference("currency", 1)},
		}
	case "notification":
		return object{{"title", "Faktura betalt"}, {"message", "Faktura 10042 er betalt."}}
	case "order":
		return object{
			{"number", "2001"},
			{"orderDate", "2026-05-11"},
			{"deliveryDate", "2026-05-18"},
			{"customer", reference("customer", 301)},
			{"isClosed", false},
		}
	case "product":
		return object{{"name", "Arbeidstime"}, {"number", "100"}, {"priceExcludingVatCurrency", 950.00}, {"isInactive", false}}
	case "project":
		return object{{"name", "Nytt tak"}, {"number", "P-17"}, {"startDate", "2026-05-01"}, {"customer", reference("customer", 301)}}
	case "voucher", "voucherstatus":
		return object{{"number", 42}, {"date", "2026-05-11"}, {"description", "Husleie mai"}, {"year", 2026}}
	default:
		return nil
	}
}
