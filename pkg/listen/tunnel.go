package listen

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/tripletex"
)

// publicURL returns the URL at which Tripletex reaches the listener.
func (e *ephemeral) publicURL() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.public
}

func (e *ephemeral) setPublicURL(public string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.public = public
}

func (l *Listener) task(text string) (end func()) {
	if l.Task == nil {
		return func() {}
	}
	return l.Task(text)
}

// openTunnel starts the tunnel, if any, and learns the public URL.
func (l *Listener) openTunnel(ctx context.Context) error {
	t := l.o.Subscribe.Tunnel
	if t == nil {
		l.temporary.setPublicURL(cmp.Or(l.o.Subscribe.PublicURL, l.ownURL()))
		return nil
	}
	defer l.task("Starting " + t.Name())()
	_, port, err := net.SplitHostPort(l.socket.Addr().String())
	if err != nil {
		return &SocketError{fmt.Errorf("the tunnel needs a TCP port: %w", err)}
	}
	public, err := t.Start(ctx, port, l.temporary.client.IsLocal())
	l.temporary.setPublicURL(l.withPath(public))
	return err
}

// withPath returns the URL of deliveries at the address of a tunnel.
func (l *Listener) withPath(public string) string { return strings.TrimSuffix(public, "/") + l.o.Path }

// ownURL returns the URL of deliveries at the address of the listener; for a Unix socket, its address.
func (l *Listener) ownURL() string {
	address := l.socket.Addr()
	if address.Network() == "unix" {
		return "unix:" + address.String()
	}
	scheme := "http"
	if l.o.TLS != nil {
		scheme = "https"
	}
	return fmt.Sprintf("%s://%s%s", scheme, address, l.o.Path)
}

// watchTunnel restarts the tunnel when it ends.
func (l *Listener) watchTunnel(ctx context.Context) error {
	if s := l.o.Subscribe; s != nil && s.Tunnel != nil && l.temporary.note != nil {
		l.Note("Public URL: %s (%s)", l.temporary.publicURL(), s.Tunnel.Name())
		l.watching.Go(func() { s.Tunnel.Watch(ctx, l.move) })
	}
	return nil
}

// endTunnel ends the tunnel program.
func (l *Listener) endTunnel() {
	if s := l.o.Subscribe; s != nil && s.Tunnel != nil {
		s.Tunnel.Stop()
	}
}

// move updates the subscriptions of this run to a new address of the tunnel, once that is reachable.
func (l *Listener) move(ctx context.Context, address string) error {
	public := l.withPath(address)
	l.Note("The public URL has changed to %s", public)
	err := l.reach(ctx, public)
	if err == nil {
		err = l.retarget(ctx, public)
	}
	if err != nil && ctx.Err() == nil {
		l.Note("warning: the subscriptions were not updated: %v", err)
	}
	return err
}

// retarget updates the target of the subscriptions in one request. Once begun it ignores cancellation. The note
// for the next run has all targets until the result is known.
func (l *Listener) retarget(ctx context.Context, public string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), createLimit)
	defer cancel()
	release, err := l.o.Subscribe.Lock(ctx)
	if err != nil {
		return err
	}
	defer release()
	target, err := l.retargeted(public)
	if err != nil {
		return err
	}
	updates, err := l.updates(ctx, target)
	if err != nil {
		return err
	}
	note := *l.temporary.note
	note.NextURLs = append(slices.Clone(note.NextURLs), target)
	if err := l.storeNote(ctx, &note); err != nil {
		return err
	}
	if _, err := l.temporary.client.UpdateSubscriptions(ctx, updates); err != nil {
		return err
	}
	l.temporary.setPublicURL(public)
	note.TargetURL, note.NextURLs = target, nil
	l.Note("Updated %s to %s", terminal.Count(len(updates), "subscription"), public)
	return l.storeNote(ctx, &note)
}

// retargeted returns the target of this run at another public URL, with the same mark.
func (l *Listener) retargeted(public string) (string, error) {
	old, err := url.Parse(l.temporary.wanted[0].TargetURL)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(public)
	if err != nil {
		return "", fmt.Errorf("%s is not a URL", secret.MaskURL(public))
	}
	u.RawQuery = old.RawQuery
	return u.String(), nil
}

// updates returns the updates of the subscriptions of this run to a target. One that is missing was deleted by
// another client.
func (l *Listener) updates(ctx context.Context, target string) ([]tripletex.SubscriptionUpdate, error) {
	var own []tripletex.Subscription
	for s, err := range l.temporary.client.Subscriptions(ctx, "") {
		if err != nil {
			return nil, err
		}
		if l.temporary.note.owns(s) {
			own = append(own, s)
		}
	}
	return tripletex.SubscriptionUpdate{TargetURL: target}.For(own)
}
