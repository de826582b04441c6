package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/rogpeppe/go-internal/testscript"
)

// runServer is the command nats-server: a real server with a configuration file, until it is told to end.
func runServer() int {
	options, err := server.ProcessConfigFile(os.Args[1])
	if err == nil {
		options.NoSigs = true
		err = runUntilSignal(options)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func runUntilSignal(options *server.Options) error {
	s, err := server.NewServer(options)
	if err != nil {
		return err
	}
	s.ConfigureLogger()
	s.Start()
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	<-ended
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// serveNATS starts a NATS server with JetStream for a test.
func serveNATS(t *testing.T) *server.Server {
	t.Helper()
	s, err := startIn(t.TempDir(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// startIn starts a NATS server with JetStream in a folder, for everybody or for one user.
func startIn(folder, user, password string) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: folder, NoSigs: true, NoLog: true,
		Username: user, Password: password,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		return nil, errors.New("the server does not start")
	}
	return s, nil
}

// startServer starts a NATS server with JetStream for a script, and names it in $NATS: nats [USER PASSWORDFILE].
func startServer(ts *testscript.TestScript, neg bool, args []string) {
	var user, password string
	switch {
	case neg || len(args) != 0 && len(args) != 2:
		ts.Fatalf("usage: nats [USER PASSWORDFILE]")
	case len(args) == 2:
		user, password = args[0], strings.TrimSpace(ts.ReadFile(args[1]))
	}
	s, err := startIn(ts.MkAbs("jetstream"), user, password)
	ts.Check(err)
	ts.Defer(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	ts.Setenv("NATS", s.ClientURL())
}
