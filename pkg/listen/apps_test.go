package listen_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tlxhook/tlxhook/pkg/listen"
)

func TestRoutesForSomeEventsComeFirst(t *testing.T) {
	t.Parallel()
	apps := listen.Apps{ForwardTo: "http://127.0.0.1:1/", Forward: []string{"order.*=http://127.0.0.1:2/?a=b"}, Parallel: 3}
	routes, err := apps.Routes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, route := range routes {
		events = append(events, route.Event)
		if route.Parallel != 3 {
			t.Errorf("the route of %s has Parallel %d, want 3", route.Event, route.Parallel)
		}
	}
	if diff := cmp.Diff([]string{"order.*", "*"}, events); diff != "" {
		t.Errorf("the events of the routes differ (-want +got):\n%s", diff)
	}
}

func TestAppThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		apps listen.Apps
		want string
	}{
		{listen.Apps{Forward: []string{"http://127.0.0.1/?q=1"}}, "--forward http://127.0.0.1/?q=***: must be EVENT=URL"},
		{listen.Apps{Forward: []string{"=http://127.0.0.1/"}}, "--forward =http://127.0.0.1/: must be EVENT=URL"},
		{listen.Apps{Forward: []string{"order.*="}}, "--forward order.*=: must be EVENT=URL"},
		{
			listen.Apps{Forward: []string{"order.*=http://127.0.0.1:1/", "Order.*=http://127.0.0.1:2/?a=b"}},
			"Order.* is forwarded to two apps: http://127.0.0.1:2/?a=*** would get no delivery",
		},
		{
			listen.Apps{Forward: []string{"*=http://127.0.0.1:1/"}, ForwardTo: "http://127.0.0.1:2/"},
			"* is forwarded to two apps: http://127.0.0.1:2/ would get no delivery",
		},
		{
			listen.Apps{Forward: []string{"*=http://127.0.0.1:1/"}, Command: []string{"true"}},
			"* is forwarded to two apps: true would get no delivery",
		},
		{listen.Apps{ForwardTo: "http://127.0.0.1/", CAFile: empty}, "--forward-ca-file: " + empty + " does not contain a PEM certificate"},
		{
			listen.Apps{Command: []string{"./no-such-program"}},
			`--exec: exec: "./no-such-program": stat ./no-such-program: no such file or directory`,
		},
	} {
		_, err := test.apps.Routes(t.Context())
		if _, ok := errors.AsType[*listen.AppError](err); !ok {
			t.Errorf("the error %v is no AppError", err)
			continue
		}
		if err.Error() != test.want {
			t.Errorf("the error is %q, want %q", err, test.want)
		}
	}
}
