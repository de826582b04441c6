package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
)

func TestObjectLifecycle(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	c.expect("POST /customer", `{"name":"Fisk AS","id":7}`, 422, errorHead("422", "18000", `"Validering feilet."`, "null")+
		`[{"field":"id","message":"An ID cannot be set when creating a new object","path":"null.id","rootId":null}],`+errorTail)
	c.expect("POST /customer", `{"name":"Fisk AS","postalAddress":{"city":"Bodø","addressLine1":"Kaia 1"}}`, 201,
		`{"value":{"id":4712,"version":0,"url":"localhost:4711/v2/customer/4712","name":"Fisk AS",`+
			`"postalAddress":{"addressLine1":"Kaia 1","city":"Bodø"}}}`)
	c.expect("POST /order", `{"customer":{"id":4712},"orderDate":"2026-05-11"}`, 201,
		`{"value":{"id":4713,"version":0,"url":"localhost:4711/v2/order/4713",`+
			`"customer":{"id":4712,"url":"localhost:4711/v2/customer/4712"},"orderDate":"2026-05-11"}}`)
	c.expect("GET /order/4713?fields=id,customer(name),reference,changes(changeType)", "", 200,
		`{"value":{"id":4713,"customer":{"name":"Fisk AS"},"reference":null,"changes":[{"changeType":"CREATE"}]}}`)
	c.expect("GET /order/4713?fields=changes", "", 200,
		`{"value":{"changes":[{"employeeId":11,"timestamp":"`+c.changeTime()+`","changeType":"CREATE"}]}}`)
	c.expect("PUT /customer/4712", `{"version":0,"email":"post@fisk.no"}`, 200,
		`{"value":{"id":4712,"version":1,"url":"localhost:4711/v2/customer/4712","name":"Fisk AS",`+
			`"email":"post@fisk.no","postalAddress":{"addressLine1":"Kaia 1","city":"Bodø"}}}`)
	c.expect("PUT /customer/4712", `{"version":0,"email":"x"}`, 409, errorHead("409", "8000", `"RevisionException"`, "null")+`null,`+errorTail)
	for _, bad := range []string{`null`, `[]`, `{"version":"x"}`, `{`} {
		if status, answers := c.call("PUT /customer/4712", bad); status != 422 {
			t.Errorf("PUT %s: %d %s", bad, status, answers)
		}
	}
	c.expect("DELETE /customer/4712", "", 204, "")
	c.expect("GET /customer/4712", "", 404, errorHead("404", "6000", `"Object not found"`, "null")+`null,`+errorTail)
	c.expect("GET /order/4713?fields=id,customer(name)", "", 200, `{"value":{"id":4713,"customer":{"name":null}}}`)
	for line, want := range map[string]int{
		"DELETE /employee/1": 405, "PUT /invoice/1": 405, "POST /ledger/closeGroup": 405, "DELETE /order/abc": 422, "DELETE /order/1": 404,
		"DELETE /order/list?ids=4713,1": 404, "DELETE /order/list?ids=x": 422, "DELETE /order/list?ids=4713,4713": 204,
	} {
		if status, answers := c.call(line, `{}`); status != want && line != "" {
			t.Errorf("%s: %d %s, want %d", line, status, answers, want)
		}
	}
}

// changeTime returns the creation time of the newest object.
func (c *caller) changeTime() string {
	c.t.Helper()
	_, body := c.call("GET /order/4713?fields=changes", "")
	var shown struct {
		Value struct{ Changes []struct{ Timestamp string } }
	}
	switch err := json.Unmarshal([]byte(body), &shown); {
	case err != nil:
		c.t.Fatal(err)
	case len(shown.Value.Changes) != 1:
		c.t.Fatalf("len(shown.Value.Changes) = %v, want 1", len(shown.Value.Changes))
	}
	return shown.Value.Changes[0].Timestamp
}

func TestObjectListsAreFiltered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCaller(t, nil)
		for i := range 5 {
			c.call("POST /customer", fmt.Sprintf(`{"name":"Nr. %d"}`, i))
			c.call("POST /invoice", fmt.Sprintf(`{"invoiceDate":"2026-05-%02d"}`, 10+i))
			time.Sleep(time.Hour)
		}
		c.call("PUT /customer/4712", `{"name":"Nr. 0b"}`)
		c.call("POST /supplier", `{"name":"Gone quiet","isInactive":true}`)
		names := func(line string) string {
			status, body := c.call(line, "")
			var listed struct{ Values []map[string]string }
			switch err := json.Unmarshal([]byte(body), &listed); {
			case err != nil:
				t.Fatalf("%s: %v", line, err)
			case status != 200:
				t.Fatalf("%s: status = %v, want 200", line, status)
			}
			var all []string
			for _, v := range listed.Values {
				all = append(all, v["name"]+v["invoiceDate"])
			}
			return strings.Join(all, " ")
		}
		for line, want := range map[string]string{
			"GET /customer?fields=name&from=1&count=2":                                              "Nr. 1 Nr. 2",
			"GET /customer?fields=name&changedSince=2000-01-01T03:30:00":                            "Nr. 0b Nr. 4",
			"GET /customer?fields=name&changedSince=2000-01-01T04:30:00Z":                           "Nr. 0b",
			"GET /invoice?fields=invoiceDate&invoiceDateFrom=2026-05-11&invoiceDateTo=2026-05-13":   "2026-05-11 2026-05-12",
			"GET /invoice?fields=invoiceDate&invoiceDateFrom=2026-05-11&invoiceDateTo=2026-05-11":   "",
			"GET /supplier?fields=name":                                                             "",
			"GET /supplier?fields=name&isInactive=false":                                            "",
			"GET /supplier?fields=name&isInactive=true":                                             "Gone quiet",
			"GET /product?fields=name&changedSince=this+is+not+a+parameter+of+the+list+of+products": "",
		} {
			if got := names(line); got != want {
				t.Errorf("%s: %q, want %q", line, got, want)
			}
		}
		c.expect("GET /invoice?invoiceDateFrom=2026-05-11", "", 422, errorHead("422", "18000", `"Validering feilet."`, "null")+
			`[{"field":"invoiceDateTo","message":"Kan ikke være null.","path":null,"rootId":null}],`+errorTail)
		if status, answers := c.call("GET /customer?changedSince=yesterday", ""); status != 422 {
			t.Errorf("%d %s", status, answers)
		}
		c.box = asCompany{c.box}
		if got := names("GET /customer?fields=name"); got != "" {
			t.Errorf("another company sees %q", got)
		}
	})
}

func TestListOfTooManyObjectsIsRejected(t *testing.T) {
	t.Parallel()
	c := newCaller(t, nil)
	deliverer := sandbox.NewDeliverer(c.store, &c.receiver)
	for _, count := range []int{10_000, 1} {
		if _, err := deliverer.Emit(t.Context(), sandbox.Emission{Event: "product.create", Count: count}); err != nil {
			t.Fatal(err)
		}
		status, answers := c.call("GET /product?count=1", "")
		if want := map[int]int{10_000: http.StatusOK, 1: http.StatusUnprocessableEntity}[count]; status != want {
			t.Errorf("%d %s, want %d", status, answers, want)
		}
	}
}
