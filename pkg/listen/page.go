package listen

import (
	"context"

	"github.com/tlxhook/tlxhook/pkg/inspect"
)

// servePage serves the page of Inspect until ctx ends.
func (l *Listener) servePage(ctx context.Context) error {
	if l.o.Inspect == nil {
		return nil
	}
	o := *l.o.Inspect
	o.Folder, o.Routes, o.Secrets = l.o.Journal.Folder, l.Routes, l.o.Secrets
	page, err := inspect.Open(context.WithoutCancel(ctx), o)
	if err != nil {
		return err
	}
	l.Note("serving the page of deliveries on %s", page.URL())
	l.parts.Go(func() { _ = page.Run(ctx) })
	return nil
}
