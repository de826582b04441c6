package tunnel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tlxhook/tlxhook/pkg/badjson"
	"github.com/tlxhook/tlxhook/pkg/childprocess"
)

// askLimit bounds one question to a program, maxReply the size of its reply in bytes.
const (
	askLimit = 5 * time.Second
	maxReply = 4 << 20
)

// get reads JSON from a server on this machine, without a proxy. It reports the status; 0 without an answer.
func get(ctx context.Context, address string, into any) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if into == nil || response.StatusCode != http.StatusOK {
		return response.StatusCode, nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReply)).Decode(into); err != nil {
		return response.StatusCode, badjson.Reason(err)
	}
	return response.StatusCode, nil
}

// cloudflared is asked by its metrics server. Source: its metrics/metrics.go.
type cloudflared struct {
	path    string
	metrics string // host and port
}

func (c *cloudflared) name() string { return Cloudflared }

func (c *cloudflared) args(ctx context.Context, port string) ([]string, error) {
	free, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c.metrics = free.Addr().String()
	return []string{
		c.path, "tunnel", "--no-autoupdate", "--output", "json", "--metrics", c.metrics, "--url", "http://127.0.0.1:" + port,
	}, free.Close()
}

// ask returns the name of the quick tunnel once it is connected. No answer means that the program is starting.
func (c *cloudflared) ask(ctx context.Context, _ string, _ *tail) (string, error) {
	var quick struct{ Hostname string }
	_, _ = get(ctx, "http://"+c.metrics+"/quicktunnel", &quick) // an error is a program that is not ready
	status, _ := get(ctx, "http://"+c.metrics+"/ready", nil)
	if quick.Hostname == "" || status != http.StatusOK {
		return "", nil
	}
	return "https://" + quick.Hostname, nil
}

// ngrok is asked by the API of its agent. An agent that runs already is used if it has a tunnel to the port.
type ngrok struct {
	path  string
	ports []string // of the API
}

// agentPorts are the usual ports of the API: an agent takes the next one if its port is in use.
func agentPorts() []string { return []string{"4040", "4041", "4042", "4043"} }

func (n *ngrok) name() string { return Ngrok }

func (n *ngrok) args(ctx context.Context, port string) ([]string, error) {
	if public, _ := n.ask(ctx, port, nil); public != "" {
		return nil, nil
	}
	return []string{n.path, "http", port, "--log", "stdout", "--log-format", "json"}, nil
}

func (n *ngrok) ask(ctx context.Context, port string, _ *tail) (string, error) {
	for _, agent := range n.ports {
		var list struct {
			Tunnels []struct {
				PublicURL string `json:"public_url"`
				Config    struct{ Addr string }
			}
		}
		if _, err := get(ctx, "http://127.0.0.1:"+agent+"/api/tunnels", &list); err != nil {
			continue
		}
		for _, t := range list.Tunnels {
			if strings.HasPrefix(t.PublicURL, "https://") && leadsTo(t.Config.Addr, port) {
				return t.PublicURL, nil
			}
		}
	}
	return "", nil
}

// leadsTo reports whether an address, such as "8080", "localhost:8080" or "http://localhost:8080", is a port of this machine.
func leadsTo(address, port string) bool {
	if _, after, ok := strings.Cut(address, "://"); ok {
		address = after
	}
	if address == port {
		return true
	}
	host, own, err := net.SplitHostPort(strings.TrimSuffix(address, "/"))
	return err == nil && own == port && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host)
}

// tailscale serves with Funnel in the foreground, so that it ends with the program.
type tailscale struct {
	path    string
	environ []string
	public  string // port
}

// funnelPorts are the public ports that Funnel permits. Source: https://tailscale.com/kb/1223/funnel.
func funnelPorts() []string { return []string{"443", "8443", "10000"} }

// serveConfig is a part of the output of "tailscale serve status --json". Ports of other programs are in Foreground.
type serveConfig struct {
	TCP         map[string]any
	AllowFunnel map[string]bool
	Foreground  map[string]serveConfig
}

// ports returns all ports in use.
func (s serveConfig) ports() map[string]bool {
	all := map[string]bool{}
	for port := range s.TCP {
		all[port] = true
	}
	for _, below := range s.Foreground {
		for port := range below.ports() {
			all[port] = true
		}
	}
	return all
}

// allows reports whether an address is public.
func (s serveConfig) allows(address string) bool {
	for _, below := range s.Foreground {
		if below.allows(address) {
			return true
		}
	}
	return s.AllowFunnel[address]
}

func (t *tailscale) name() string { return Tailscale }

// args chooses a public port that nothing uses, so that nothing of the user is changed.
func (t *tailscale) args(ctx context.Context, port string) ([]string, error) {
	if _, err := t.host(ctx); err != nil {
		return nil, err
	}
	var config serveConfig
	if err := t.read(ctx, &config, "serve", "status", "--json"); err != nil {
		return nil, err
	}
	used := config.ports()
	free := slices.DeleteFunc(funnelPorts(), func(port string) bool { return used[port] })
	if len(free) == 0 {
		return nil, &UsageError{errors.New("ports 443, 8443 and 10000 are in use by tailscale serve; free one of them")}
	}
	t.public = free[0]
	return []string{t.path, "funnel", "--https=" + t.public, port}, nil
}

// ask returns the URL once the port is public. Errors are those of a program that is connecting.
func (t *tailscale) ask(ctx context.Context, _ string, _ *tail) (string, error) {
	var config serveConfig
	host, _ := t.host(ctx)
	_ = t.read(ctx, &config, "serve", "status", "--json")
	if host == "" || !config.allows(host+":"+t.public) {
		return "", nil
	}
	if t.public == "443" {
		return "https://" + host, nil
	}
	return "https://" + net.JoinHostPort(host, t.public), nil
}

// host returns the name of this machine in the tailnet.
func (t *tailscale) host(ctx context.Context) (string, error) {
	var status struct {
		BackendState string
		Self         struct{ DNSName string }
	}
	if err := t.read(ctx, &status, "status", "--json"); err != nil {
		return "", err
	}
	if status.BackendState != "Running" || status.Self.DNSName == "" {
		return "", &UsageError{fmt.Errorf("tailscale is not connected (%s); run tailscale up", status.BackendState)}
	}
	return strings.TrimSuffix(status.Self.DNSName, "."), nil
}

// read runs the program and reads the JSON that it prints. Lines before it are warnings.
func (t *tailscale) read(ctx context.Context, into any, words ...string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	result := childprocess.Program{Args: append([]string{t.path}, words...), Environ: t.environ}.Run(ctx)
	text := string(result.Output)
	if begin := strings.IndexByte(text, '{'); begin >= 0 {
		text = text[begin:]
	}
	err := json.NewDecoder(strings.NewReader(text)).Decode(into)
	switch {
	case err == nil:
		return nil
	case result.Err != nil:
		err = result.Err
	default:
		err = badjson.Reason(err)
	}
	return fmt.Errorf("%w: tailscale %s: %w", ErrEnded, strings.Join(words, " "), err)
}
