package sandbox_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlxhook/tlxhook/pkg/payload"
	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

// delivers returns the bodies that a subscription with a filter receives when an event is emitted.
func (c *caller) delivers(event, fields string) (bodies []string) {
	c.t.Helper()
	c.set("propagation=0s")
	c.call("POST /event/subscription", `{"event":"`+event+`","targetUrl":"http://127.0.0.1/","fields":"`+fields+`"}`)
	before := len(c.receiver.all())
	deliverer := sandbox.NewDeliverer(c.store, &c.receiver)
	if _, err := deliverer.Emit(c.t.Context(), sandbox.Emission{Event: event, Count: 1, Host: "tripletex.no"}); err != nil {
		c.t.Fatalf("%s: %v", event, err)
	}
	for _, one := range c.receiver.all()[before:] {
		bodies = append(bodies, one.body)
	}
	if len(bodies) == 0 {
		c.t.Fatalf("%s: no delivery", event)
	}
	return bodies
}

// The official sample has this order of fields, url null, and version 0 after an update.
func TestArchiveRelationMatchesTheOfficialSample(t *testing.T) {
	t.Parallel()
	const document = `{"id":4,"version":0,"url":"tripletex.no/v2/documentArchive/4","fileName":"kontrakt.pdf","size":48213,` +
		`"archiveDate":"2026-05-11","mimeType":"application/pdf"}`
	const tail = `,"archiveObjectId":8,"archiveObjectType":"PROJECT"},"event":"archiverelation.update","subscriptionId":4712,"id":4713}`
	for fields, shown := range map[string]string{
		"*, document()": document, "*,document(*)": document, "": `{"id":4,"url":"tripletex.no/v2/documentArchive/4"}`,
	} {
		c := newCaller(t, nil)
		want := `{"value":{"id":4713,"version":0,"url":null,"document":` + shown + tail
		if got := c.delivers("archiverelation.update", fields)[0]; got != want {
			t.Errorf("fields %q:\n got %s\nwant %s", fields, got, want)
		}
		_, shown := c.call("GET /event/archiverelation.update?fields=examples", "")
		if !strings.Contains(shown, `"id":1001,"version":0,"url":null`) {
			t.Errorf("example: %s", shown)
		}
	}
}

func TestVoucherStatusCarriesTheStatusOrTheVoucher(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"status": `{"value":{"id":4713,"version":0,"url":"tripletex.no/v2/voucherStatus/4713",` +
			`"voucher":{"id":501,"url":"tripletex.no/v2/ledger/voucher/501"},"type":"TRIPLETEX","status":"WAITING","message":"NONE"},` +
			`"event":"voucherstatus.ready","subscriptionId":4712,"id":4713}`,
		"voucher": `{"value":{"id":501,"version":0,"url":"tripletex.no/v2/ledger/voucher/501","date":"2026-05-11","number":42,"year":2026,` +
			`"description":"Husleie mai"},"event":"voucherstatus.ready","subscriptionId":4712,"id":501}`,
	} {
		c := newCaller(t, nil)
		c.set("voucher-status-value=" + value)
		if got := c.delivers("voucherstatus.ready", "")[0]; got != want {
			t.Errorf("%s:\n got %s\nwant %s", value, got, want)
		}
		model := map[string]string{"status": "VoucherStatus", "voucher": "Voucher"}[value]
		if _, shown := c.call("GET /event/voucherstatus.ready", ""); !strings.Contains(shown, `"payloadModel":"`+model+`"`) {
			t.Errorf("%s: %s", value, shown)
		}
	}
}

// The webhook page has the value last, the specification and the newest sample have it first.
func TestOrderOfTheEnvelopeIsASwitch(t *testing.T) {
	t.Parallel()
	for set, want := range map[string]string{
		"envelope-order=value-first": `{"value":null,"event":"order.delete","subscriptionId":4712,"id":4713}`,
		"envelope-order=value-last":  `{"subscriptionId":4712,"event":"order.delete","id":4713,"value":null}`,
	} {
		c := newCaller(t, nil)
		c.set(set)
		if got := c.delivers("order.delete", "")[0]; got != want {
			t.Errorf("%s: %s, want %s", set, got, want)
		}
	}
}

// Observed: 400/11000 for fields and 422 for sorting.
func TestUnknownFieldsAndSortingAreRefused(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	c.call("POST /customer", `{"name":"A"}`)
	for line, name := range map[string]string{
		"GET /customer?fields=nosuch":                                             "nosuch CustomerDTO",
		"GET /customer/4712?fields=id,nosuch":                                     "nosuch CustomerDTO",
		"GET /customer?fields=postalAddress(town)":                                "town AddressDTO",
		"GET /product?fields=nosuch":                                              "nosuch ProductDTO",
		"GET /ledger/voucher?dateFrom=2026-01-01&dateTo=2027-01-01&fields=nosuch": "nosuch VoucherDTO",
		"GET /event/subscription?fields=nosuch":                                   "nosuch SubscriptionDTO",
		"GET /event/order.create?fields=nosuch":                                   "nosuch EventInfoDTO",
		"GET /company/>withLoginAccess?fields=nosuch":                             "nosuch ClientDTO",
		"GET /token/session/>whoAmI?fields=nosuch":                                "nosuch LoggedInUserInfoDTO",
		"GET /token/session/>whoAmI?fields=company(nosuch)":                       "nosuch CompanyDTO",
	} {
		field, model, _ := strings.Cut(name, " ")
		c.expect(line, "", 400, errorHead("400", "11000",
			`"Illegal field in fields filter: `+field+`. `+field+` does not match a field in the model: `+model+`"`, "null")+`null,`+errorTail)
	}
	for _, line := range []string{
		"GET /customer?sorting=nosuch", "GET /customer?sorting=-name,nosuch", "GET /customer?sorting=postalAddress.town",
		"GET /event/subscription?sorting=nosuch", "GET /company/>withLoginAccess?sorting=nosuch", "GET /product?sorting=,",
	} {
		if status, shown := c.call(line, ""); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", line, status, shown)
		}
	}
	for _, line := range []string{"GET /customer?fields=id(", "GET /customer?fields=id,,name", "GET /customer?fields=)"} {
		if status, shown := c.call(line, ""); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", line, status, shown)
		}
	}
}

func TestListsAreSorted(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	for _, body := range []string{
		`{"name":"B","customerNumber":10}`, `{"name":"A","customerNumber":9}`, `{"name":"C","customerNumber":9,"isInactive":false}`,
	} {
		c.call("POST /customer", body)
	}
	c.call("POST /contact", `{"firstName":"K","customer":{"id":4712}}`)
	c.call("POST /contact", `{"firstName":"L","customer":{"id":4713}}`)
	for line, want := range map[string]string{
		"GET /customer?fields=id":                                        "4712 4713 4714",
		"GET /customer?fields=id&sorting=id":                             "4712 4713 4714",
		"GET /customer?fields=id&sorting=-id":                            "4714 4713 4712",
		"GET /customer?fields=id&sorting=name":                           "4713 4712 4714",
		"GET /customer?fields=id&sorting=-name&count=2":                  "4714 4712",
		"GET /customer?fields=id&sorting=customerNumber,-name":           "4714 4713 4712",
		"GET /customer?fields=id&sorting=customerNumber,%20name&from=1":  "4714 4712",
		"GET /contact?fields=id&sorting=customer.name":                   "4716 4715",
		"GET /contact?fields=id&sorting=-customer.name":                  "4715 4716",
		"GET /contact?fields=id&sorting=customer.postalAddress.city,-id": "4716 4715",
	} {
		_, body := c.call(line, "")
		var listed struct{ Values []struct{ ID json.Number } }
		if err := json.Unmarshal([]byte(body), &listed); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var ids []string
		for _, v := range listed.Values {
			ids = append(ids, v.ID.String())
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

// Observed: unknown keys and values of another type are refused, one message each.
func TestWrongFieldsOfObjectsAreRefused(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	c.call("POST /customer", `{"name":"A"}`)
	const head, tail = `{"field":"`, `","message":"Feltet eksisterer ikke i objektet.","path":null,"rootId":null}`
	for line, body := range map[string]string{
		"POST /customer":     `{"name":"B","nosuch":1}`,
		"PUT /customer/4712": `{"version":0,"nosuch":1}`,
		"POST /order":        `{"deliveryAddress":{"nosuch":"x"}}`,
		"POST /product":      `{"supplier":{"id":1,"nosuch":2}}`,
		"POST /invoice":      `{"orders":[{"id":1},{"nosuch":2}]}`,
	} {
		c.expect(line, body, 422, errorHead("422", "16000", `"Request mapping failed"`, "null")+"["+head+"nosuch"+tail+"],"+errorTail)
	}
	const wrong = `,"message":"Verdien er ikke av korrekt type for dette feltet.","path":`
	for line, test := range map[string]struct{ body, field, path string }{
		"POST /customer":                {`{"name":7}`, "name", "name"},
		"PUT /customer/4712":            {`{"version":"0"}`, "version", "version"},
		"POST /order":                   {`{"customer":true}`, "customer", "customer"},
		"POST /product":                 {`{"supplier":{"id":"x"}}`, "id", "supplier.id"},
		"POST /event/subscription":      {`{"event":7,"targetUrl":"https://h.no/"}`, "event", "event"},
		"POST /event/subscription/list": {`[{"event":"order.create","targetUrl":false}]`, "targetUrl", "targetUrl"},
	} {
		c.expect(line, test.body, 422, errorHead("422", "16000", `"Request mapping failed"`, "null")+
			`[{"field":"`+test.field+`"`+wrong+`"`+test.path+`","rootId":null}],`+errorTail)
	}
	c.expect("POST /project", `{"b":1,"a":2}`, 422, errorHead("422", "16000", `"Request mapping failed"`, "null")+
		"["+head+"a"+tail+","+head+"b"+tail+"],"+errorTail)
}

// A reference has the URL of the model of its field, also in a list.
func TestReferencesHaveTheURLOfTheirModel(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	c.call("POST /contact", `{"firstName":"Kari","lastName":"Nordmann"}`)
	c.expect("POST /order", `{"ourContact":{"id":4712},"currency":{"id":1},"orderLines":[{"id":5,"count":2},{"count":3}]}`, 201,
		`{"value":{"id":4713,"version":0,"url":"localhost:4711/v2/order/4713","ourContact":{"id":4712,"url":"localhost:4711/v2/contact/4712"},`+
			`"currency":{"id":1,"url":"localhost:4711/v2/currency/1"},`+
			`"orderLines":[{"id":5,"url":"localhost:4711/v2/order/orderline/5"},{"count":3}]}}`)
	c.expect("GET /order/4713?fields=ourContact(lastName),orderLines(count),attn(id)", "", 200,
		`{"value":{"ourContact":{"lastName":"Nordmann"},"orderLines":[{"count":2},{"count":3}],"attn":null}}`)
	c.expect("GET /order/4713?fields=currency(*),%20number", "", 200,
		`{"value":{"currency":{"id":1,"version":null,"url":"localhost:4711/v2/currency/1"},"number":null}}`)
	c.expect("POST /ledger/voucher", `{"document":{"id":6},"postings":[{"id":7,"vatType":{"id":3}}]}`, 201,
		`{"value":{"id":4714,"version":0,"url":"localhost:4711/v2/ledger/voucher/4714",`+
			`"postings":[{"id":7,"url":"localhost:4711/v2/ledger/posting/7"}],"document":{"id":6,"url":"localhost:4711/v2/document/6"}}}`)
	c.expect("GET /ledger/voucher/4714?fields=postings(vatType,row)", "", 200,
		`{"value":{"postings":[{"vatType":{"id":3,"url":"localhost:4711/v2/ledger/vatType/3"},"row":null}]}}`)
}

func TestCompaniesHaveTheFieldsOfTheSpecification(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	c.expect("GET /company/>withLoginAccess?count=1&fields=id,name,address(*),currency(*)", "", 200,
		`{"fullResultSize":3,"from":0,"count":1,"versionDigest":"Checksum not yet supported for this endpoint","values":[{"id":2001,`+
			`"name":"Fjellheim Bygg AS","address":{"id":2001,"version":0,"url":"localhost:4711/v2/address/2001","addressLine1":"Storgata 1",`+
			`"postalCode":"0155","city":"Oslo","country":{"id":161,"url":"localhost:4711/v2/country/161"}},`+
			`"currency":{"id":1,"version":0,"url":"localhost:4711/v2/currency/1","code":"NOK","description":"Norske kroner","factor":1}}]}`)
	_, body := c.call("GET /company/>withLoginAccess?count=1", "")
	var listed struct{ Values []map[string]any }
	if err := json.Unmarshal([]byte(body), &listed); err != nil {
		t.Fatal(err)
	}
	client, _ := payload.Find("Client")
	for _, name := range client.Names() {
		if _, ok := listed.Values[0][name]; !ok && name != "changes" {
			t.Errorf("no %s in %s", name, body)
		}
	}
}

// The order of fields and version 1 were recorded.
func TestSessionMatchesTheRecording(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	day := time.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	_, body := c.call("POST /token/session/:create", `{"consumerToken":"`+sandbox.ConsumerToken+`","employeeToken":"`+
		sandbox.EmployeeToken+`","expirationDate":"`+day+`"}`)
	var made struct{ Value struct{ Token string } }
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		t.Fatal(err)
	}
	const want = `{"value":{"id":4712,"version":1,"url":"localhost:4711/v2/token/session/4712",` +
		`"consumerToken":{"id":1,"url":"localhost:4711/v2/token/consumer/1"},` +
		`"employeeToken":{"id":11,"url":"localhost:4711/v2/token/employee/11"},"expirationDate":"DAY","token":"TOKEN","encryptionKey":null}}`
	if got := strings.NewReplacer(day, "DAY", made.Value.Token, "TOKEN").Replace(body); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// A session is made from exactly the documented fields, like every object.
func TestUnknownFieldsOfASessionAreRefused(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	const refresh = "POST /token/session/:createFromRefreshToken"
	for _, test := range []struct{ line, body, field string }{
		{"POST /token/session/:create", `{"consumerToken":"x","employeeToken":"y","expirationDate":"2030-01-01","nosuch":1}`, "nosuch"},
		{"POST /token/session/:create", `{"consumerToken":7}`, "consumerToken"},
		{refresh, `{"refreshToken":"tlxr_sandbox","ttlSeconds":"300"}`, "ttlSeconds"},
		{refresh, `{"refreshToken":"tlxr_sandbox","ttlSeconds":300,"consumerToken":"x"}`, "consumerToken"},
	} {
		status, body := c.call(test.line, test.body)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%s %s: %d, want 422", test.line, test.body, status)
		}
		for _, want := range []string{`"code":16000,`, `"field":"` + test.field + `"`} {
			if !strings.Contains(body, want) {
				t.Errorf("%s %s: no %s in %s", test.line, test.body, want, body)
			}
		}
	}
}

// Clients that asked for these paths got 404.
func TestPathsThatTripletexDoesNotHave(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	for _, path := range []string{"/whoAmI", "/token/session"} {
		status, body := c.call("GET "+path, "")
		if status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
		if !strings.Contains(body, `"code":6000`) {
			t.Errorf("%s: no code 6000 in %s", path, body)
		}
	}
}

// A list is a list, also without items.
func TestEmptyBulkCallsReturnAList(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	for line, want := range map[string]int{"POST /event/subscription/list": 201, "PUT /event/subscription/list": 200} {
		c.expect(line, `[]`, want, `{"fullResultSize":0,"from":0,"count":0,"versionDigest":null,"values":[]}`)
	}
}

// Observed in March 2026; the verb of expiredcompany differs from the others.
func TestObservedEventsExist(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"vatdeliverystatus.create", "vatdeliverystatus.update", "vatdeliverystatus.delete", "vatpaymentstatus.update",
		"expiredcompany.deleted", "tripletexcustomer.update",
	} {
		c := newCaller(t, nil)
		if !slices.Contains(sandbox.EventNames(), name) {
			t.Errorf("%s does not exist", name)
			continue
		}
		body := c.delivers(name, "")[0]
		if null := strings.HasPrefix(body, `{"value":null,`); null != payload.IsDeletion(name) {
			t.Errorf("%s: %s", name, body)
		}
		if status, _ := c.call("GET /event/subscription", ""); status != http.StatusOK {
			t.Errorf("%s: %d", name, status)
		}
	}
	if slices.Contains(sandbox.EventNames(), "vatpaymentstatus.delete") {
		t.Error("vatpaymentstatus.delete exists")
	}
}

// Unknown names are left out of deliveries, or refused like in a GET.
func TestUnknownNamesInTheFieldsOfASubscription(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	if got, want := c.delivers("order.create", "number,nosuch,customer(nme,id)")[0],
		`{"value":{"number":"2001","customer":{"id":301}},"event":"order.create","subscriptionId":4712,"id":4713}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.set("subscription-fields=refuse")
	const target = `"targetUrl":"https://h.no/","fields":`
	for line, body := range map[string]string{
		"POST /event/subscription":      `{"event":"order.create",` + target + `"nosuch"}`,
		"PUT /event/subscription/4712":  `{"fields":"customer(nosuch)"}`,
		"POST /event/subscription/list": `[{"event":"order.create",` + target + `"id"},{"event":"order.create",` + target + `"nosuch"}]`,
	} {
		if status, shown := c.call(line, body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", line, status, shown)
		}
	}
	for _, event := range []string{"vatpaymentstatus.update", "order.delete"} { // no known model
		if status, shown := c.call("POST /event/subscription", `{"event":"`+event+`",`+target+`"nosuch"}`); status != http.StatusCreated {
			t.Errorf("%s: %d %s", event, status, shown)
		}
	}
}
