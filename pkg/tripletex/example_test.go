package tripletex_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/tlxhook/tlxhook/pkg/sandbox"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// newExampleClient returns a client of a sandbox in this process. A real client has tripletex.Production or
// tripletex.Test as its BaseURL, its own tokens and no Transport.
func newExampleClient() *tripletex.Client {
	client, err := tripletex.New(tripletex.Options{
		BaseURL:     "http://localhost/v2",
		Credentials: tripletex.Credentials{ConsumerToken: sandbox.ConsumerToken, EmployeeToken: sandbox.EmployeeToken}.Get,
		Transport:   sandbox.New(sandbox.NewMemory(sandbox.DefaultOptions())),
	})
	if err != nil {
		panic(err)
	}
	return client
}

func Example() {
	ctx, client := context.Background(), newExampleClient()
	created, err := client.CreateSubscriptions(ctx, []tripletex.NewSubscription{
		{Event: "order.create", TargetURL: "https://hooks.example.no/tripletex", HMACSharedSecret: "a-secret-of-my-own"},
		{Event: "order.update", TargetURL: "https://hooks.example.no/tripletex", HMACSharedSecret: "a-secret-of-my-own"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(created), "created")
	for s, err := range client.Subscriptions(ctx, "") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(s.Event, s.Status, secret.MaskURL(s.TargetURL))
	}
	// Output:
	// 2 created
	// order.create ACTIVE https://hooks.example.no/tripletex
	// order.update ACTIVE https://hooks.example.no/tripletex
}

func ExampleClient_ForCompany() {
	ctx, client := context.Background(), newExampleClient()
	for company, err := range client.Companies(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		count := 0
		for _, err := range client.ForCompany(company.ID).Subscriptions(ctx, "") {
			if err != nil {
				log.Fatal(err)
			}
			count++
		}
		fmt.Println(company.Name, count)
	}
	// Output:
	// Fjellheim Bygg AS 0
	// Kystfisk AS 0
	// Nordlys Kafé ANS 0
}

func ExampleError() {
	_, err := newExampleClient().CreateSubscriptions(context.Background(), []tripletex.NewSubscription{
		{Event: "ordre.create", TargetURL: "https://hooks.example.no/tripletex"},
	})
	var e *tripletex.Error
	if errors.As(err, &e) && e.Kind == tripletex.Refused {
		fmt.Println(e.Status, e.Code, e.Validation[0].Field)
	}
	// Output: 422 18000 event
}

func ExampleClient_Snapshot() {
	ctx, client := context.Background(), newExampleClient()
	before, _, err := client.Snapshot(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	_, changed, err := client.Snapshot(ctx, before) // costs a 304 without a body
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("changed:", changed)
	// Output: changed: false
}
