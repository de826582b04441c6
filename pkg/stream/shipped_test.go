package stream_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/tlxhook/tlxhook/pkg/stream"
)

// The configuration of docs/scaling is one that a real server takes; it syncs always, and permits each program what it
// needs and no more.
func TestShippedServerConfiguration(t *testing.T) {
	if testing.Short() {
		t.Skip("not a unit test")
	}
	t.Parallel()
	text, err := os.ReadFile("../../docs/scaling/nats.conf")
	if err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("$NAME", "n1", "$PUBLISH", "publish-it", "$CONSUME", "consume-it").Replace(string(text))
	o, err := server.ProcessConfigFile(write(t, "nats.conf", []byte(filled)))
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case !o.SyncAlways:
		t.Error("o.SyncAlways = false, want true")
	case len(o.Routes) != 3:
		t.Errorf("len(o.Routes) = %v, want 3", len(o.Routes))
	case o.Cluster.Name == "":
		t.Error("o.Cluster.Name is empty")
	}
	o.Cluster, o.Routes, o.HTTPPort, o.Port = server.ClusterOpts{}, nil, 0, server.RANDOM_PORT // one server is enough here
	s := serve(t, o)
	listen := stream.Login{Servers: s.ClientURL(), User: "listen", Password: "publish-it"}
	forward := stream.Login{Servers: s.ClientURL(), User: "forward", Password: "consume-it"}
	publishing, err := stream.Open(t.Context(), listen, "DELIVERIES", 0, usual())
	if err != nil {
		t.Fatal(err)
	}
	defer publishing.Close()
	fill(t, publishing, 0, 10, 3)
	altered := delivery("key-000001", 2)
	switch got, err := publishing.Append(t.Context(), altered); {
	case err != nil:
		t.Error(err)
	case !got.Altered:
		t.Error("got.Altered = false, want true")
	}
	consuming, err := stream.Open(t.Context(), forward, "DELIVERIES", 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer consuming.Close()
	app := newCollector()
	stop := copyOf(t, consuming, app, quick())
	waitFor(t, "everything", func() bool { return app.count() == 11 })
	stop()
	if got, err := consuming.Append(t.Context(), delivery("key-9", 1)); err == nil {
		t.Errorf("the forwarder may publish deliveries: %+v", got)
	}
	if _, err := publishing.Consumer(t.Context(), quick()); !errors.Is(err, stream.ErrRefused) {
		t.Errorf("the receiver may consume: %v", err)
	}
}
