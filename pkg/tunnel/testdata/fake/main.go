// Fake is a tunnel program for tests. Its name selects the interface: cloudflared, ngrok, tailscale or another. It serves
// https on a free loopback port with the files CERT and KEY, and forwards to the port of its arguments.
//
// FAKE selects another behavior: exit, hang, nourl, wrong, ratelimit, die (once connected, as long as the file ONCE does not
// exist), deaf (ignore SIGTERM), elsewhere (answer itself). API is the port of the API of ngrok. CHILD is a file for the
// ID of a child process that it leaves.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode, name := os.Getenv("FAKE"), filepath.Base(os.Args[0])
	if file := os.Getenv("STARTED"); file != "" {
		appendTo(file, strings.Join(os.Environ(), "\n")+"\nend\n")
	}
	if len(os.Args) > 1 && (os.Args[1] == "version") {
		fmt.Println(name + " version 1.2.3")
		return
	}
	if name == "tailscale" && os.Args[1] != "funnel" {
		tailscaleStatus()
		return
	}
	if mode == "deaf" {
		signal.Ignore(syscall.SIGTERM)
	}
	if file := os.Getenv("CHILD"); file != "" {
		child := exec.Command("sleep", "600")
		check(child.Start())
		check(os.WriteFile(file, []byte(strconv.Itoa(child.Process.Pid)), 0o600))
	}
	switch mode {
	case "exit":
		fmt.Fprintln(os.Stderr, `{"level":"error","error":"no \u001b[31mway `+os.Getenv("SECRET")+`",`+
			`"message":"cannot connect to https://u:p@example.no/?k=v"}`)
		os.Exit(1)
	case "ratelimit":
		fmt.Fprintln(os.Stderr, `{"level":"error","error":"invalid character 'e' looking for beginning of value",`+
			`"message":"Error unmarshaling QuickTunnel response: error code: 1015 https://api.trycloudflare.com/tunnel"}`)
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour) // select {} is a deadlock without cgo
	}
	port := os.Args[len(os.Args)-1]
	port = port[strings.LastIndexByte(port, ':')+1:]
	if name == "ngrok" {
		port = os.Args[2]
	}
	public := serve(port, mode, name)
	switch name {
	case "cloudflared":
		cloudflared(public, mode)
	case "ngrok":
		ngrok(public, port)
	case "tailscale":
		check(os.WriteFile(os.Getenv("STATE"), []byte(public), 0o600))
	default:
		switch mode {
		case "nourl":
			fmt.Println("ready")
		case "wrong":
			fmt.Println("your url is https://user:hidden@" + public + "/")
		default:
			if mode == "" {
				fmt.Println("dashboard: http://127.0.0.1:1/")
			}
			fmt.Println("\x1b[32myour url is: https://" + public + "\x1b[0m")
		}
	}
	if _, err := os.Stat(os.Getenv("ONCE")); mode == "die" && err != nil {
		time.Sleep(3 * time.Second)
		check(os.WriteFile(os.Getenv("ONCE"), nil, 0o600))
		fmt.Fprintln(os.Stderr, "error: connection lost")
		os.Exit(1)
	}
	time.Sleep(time.Hour)
}

// serve serves https and returns its host and port.
func serve(port, mode, name string) string {
	address := "127.0.0.1:0"
	if name == "tailscale" {
		address = "127.0.0.1:" + strings.TrimPrefix(os.Args[2], "--https=")
	}
	listener, err := net.Listen("tcp", address)
	check(err)
	var handler http.Handler = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
	if mode == "elsewhere" {
		handler = http.NotFoundHandler()
	}
	go func() { check(http.ServeTLS(listener, handler, os.Getenv("CERT"), os.Getenv("KEY"))) }()
	_, public, _ := net.SplitHostPort(listener.Addr().String())
	return "localhost:" + public
}

func cloudflared(public, mode string) {
	flags := flag.NewFlagSet("tunnel", flag.ExitOnError)
	metrics := flags.String("metrics", "", "")
	flags.Bool("no-autoupdate", false, "")
	flags.String("output", "", "")
	flags.String("url", "", "")
	check(flags.Parse(os.Args[2:]))
	begun := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /quicktunnel", func(w http.ResponseWriter, _ *http.Request) {
		switch mode {
		case "nourl":
			public = ""
		case "wrong":
			public = "user:hidden@example.no/?a=b"
		}
		reply(w, map[string]string{"hostname": public})
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if time.Since(begun) < 300*time.Millisecond {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		reply(w, map[string]int{"status": 200, "readyConnections": 1})
	})
	go func() { check(http.ListenAndServe(*metrics, mux)) }()
}

func ngrok(public, port string) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/tunnels", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"tunnels": []any{
			map[string]any{"public_url": "https://example.no", "config": map[string]string{"addr": "http://localhost:1"}},
			map[string]any{"public_url": "http://" + public, "config": map[string]string{"addr": "http://localhost:" + port}},
			map[string]any{"public_url": "https://" + public, "config": map[string]string{"addr": "http://localhost:" + port}},
		}})
	})
	go func() { check(http.ListenAndServe("127.0.0.1:"+os.Getenv("API"), mux)) }()
}

// tailscaleStatus answers status and serve status. Port 443 is in use by another program.
func tailscaleStatus() {
	if os.Args[1] == "status" {
		state := "Running"
		if os.Getenv("FAKE") == "stopped" {
			state = "Stopped"
		}
		fmt.Println("# Health check: a warning")
		_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"BackendState": state, "Self": map[string]string{"DNSName": "localhost."}})
		return
	}
	used := map[string]any{"TCP": map[string]any{"443": map[string]bool{"HTTPS": true}}}
	if public, err := os.ReadFile(os.Getenv("STATE")); err == nil {
		used["Foreground"] = map[string]any{"1": map[string]any{"AllowFunnel": map[string]bool{string(public): true}}}
	}
	_ = json.NewEncoder(os.Stdout).Encode(used)
}

func reply(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

func appendTo(file, text string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	check(err)
	_, _ = f.WriteString(text)
	_ = f.Close()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
