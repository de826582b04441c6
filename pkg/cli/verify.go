package cli

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlxhook/tlxhook/pkg/capture"
	"github.com/tlxhook/tlxhook/pkg/credentials"
	"github.com/tlxhook/tlxhook/pkg/output"
	"github.com/tlxhook/tlxhook/pkg/secret"
	"github.com/tlxhook/tlxhook/pkg/terminal"
	"github.com/tlxhook/tlxhook/pkg/webhook"
)

// verifyOptions are the flags of verify.
type verifyOptions struct {
	key       string
	signature string
	signed    bool // --signature is given, perhaps empty
	hmacFiles []string
}

func newVerify(app *App) *cobra.Command {
	o := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Judge the signature of a delivery, and say why it does not fit",
		Long: `Judge the signature of a delivery. The file holds its body, byte for byte, or
the whole request with its headers, as it came over the wire; "-" is standard
input.

Where the signature does not fit, it is said why: another secret, a body with
a line end more or less, JSON that was written anew, hex or URL-safe base64
instead of base64, SHA-256 instead of SHA-512, a key that was not signed.

Several secrets may be given while one takes the place of another. No flag
takes a secret itself: --hmac-secret-file names a file, or "-" for standard
input; TLXHOOK_HMAC_SECRET holds it.`,
		Example: `  tlxhook verify request.http --hmac-secret-file hmac.secret
  tlxhook verify body.json --hmac-secret-file hmac.secret \
    --idempotency-key 3f0c1b1e-2a55 --signature 'q83v...=='
  tlxhook verify request.http --hmac-secret-file new --hmac-secret-file old`,
		Args: oneArg("file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.signed = cmd.Flags().Changed("signature")
			return app.run(func(ctx context.Context, args []string) error { return verify(ctx, app, o, args[0]) })(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.key, "idempotency-key", "", "the header idempotency-key: `KEY`")
	flags.StringVar(&o.signature, "signature", "", "the header x-request-signature: `TEXT`")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read a secret from a `FILE`; - is stdin")
	return cmd
}

// verdict is what a signature is worth, as it is printed.
type verdict struct {
	Valid   bool            `json:"valid"`
	Reasons []verdictReason `json:"reasons"`
	// Secret is where the secret that signed comes from, as far as that is known.
	Secret         string `json:"secret"`
	IdempotencyKey string `json:"idempotencyKey"`
	SubscriptionID int64  `json:"subscriptionId"`
	Event          string `json:"event"`
	ObjectID       int64  `json:"objectId"`
}

type verdictReason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func verify(ctx context.Context, app *App, o *verifyOptions, name string) error {
	secrets, sources, err := o.secrets(ctx, app.secrets(), name)
	if err != nil {
		return err
	}
	header, body, err := o.delivery(app.terminal.In, name)
	if err != nil {
		return err
	}
	found := webhook.Diagnose(header, body, secret.RevealAll(secrets)...)
	v := verdict{Valid: found.Valid, Reasons: []verdictReason{}, IdempotencyKey: header.Get(webhook.KeyHeader)}
	texts := make([]string, len(found.Reasons))
	for i, reason := range found.Reasons {
		texts[i] = reason.Text()
		v.Reasons = append(v.Reasons, verdictReason{string(reason), reason.Text()})
	}
	if found.Secret >= 0 {
		v.Secret = sources[found.Secret]
	}
	if found.Valid {
		v.believe(app.note, body)
	}
	if err := output.Item(ctx, app.printer, verdictTable(), v); err != nil {
		return err
	}
	if !found.Valid {
		return failf(codeBadSignature, "the delivery is not valid: %s", strings.Join(texts, "; "))
	}
	return nil
}

// believe adds what the body says, once its signature is valid.
func (v *verdict) believe(note func(string, ...any), body []byte) {
	envelope, err := webhook.ParseEnvelope(body)
	if err != nil {
		note("warning: the signature is valid, and the body is no delivery of Tripletex")
	}
	v.SubscriptionID, v.Event, v.ObjectID = envelope.SubscriptionID, envelope.Event, envelope.ID
}

// secrets reads the secrets that may have signed, and where they come from.
func (o *verifyOptions) secrets(ctx context.Context, r credentials.Reader, name string) (
	all []secret.Text, sources []string, err error,
) {
	fromStdin := name == "-"
	for _, file := range o.hmacFiles {
		if file == "-" && fromStdin {
			return nil, nil, usageFailure("only one of the delivery and the secrets can come from standard input")
		}
		fromStdin = fromStdin || file == "-"
	}
	all, sources, err = hmacSecrets(ctx, r, o.hmacFiles)
	if err == nil && len(all) == 0 {
		err = usageFailure("there is no secret to judge by").withHint("name its file with --hmac-secret-file, or set TLXHOOK_HMAC_SECRET")
	}
	return all, sources, err
}

// delivery reads the delivery; the flags stand above the headers of a capture.
func (o *verifyOptions) delivery(stdin io.Reader, name string) (header http.Header, body []byte, err error) {
	header = http.Header{}
	if body, err = capture.Read(stdin, name); err != nil {
		return nil, nil, err
	}
	isCapture := capture.Is(body)
	if isCapture {
		if header, body, err = capture.Parse(body); err != nil {
			return nil, nil, usageFailure("%w", err)
		}
	}
	if o.key != "" {
		header.Set(webhook.KeyHeader, o.key)
	}
	if o.signed {
		header.Set(webhook.SignatureHeader, o.signature)
	}
	if !isCapture && !o.signed {
		return nil, nil, usageFailure("--signature is missing").
			withHint("it is the header x-request-signature; or give the whole request as it came")
	}
	return header, body, nil
}

func verdictTable() output.Table[verdict] {
	table := output.TableOf([]output.Column[verdict]{
		{Name: "valid", Style: func(v verdict) terminal.Style { return goodIf(v.Valid) }},
		{Name: "reasons", Title: "WHY", Text: verdict.codes},
		{Name: "secret"},
		{Name: "idempotencyKey"},
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT", OmitZero: true},
		{Name: "subscriptionId", Title: "SUBSCRIPTION", OmitZero: true},
	})
	table.ID = func(v verdict) string { return v.IdempotencyKey }
	return table
}

// codes returns the codes of the reasons, with blanks between.
func (v verdict) codes() string {
	codes := make([]string, len(v.Reasons))
	for i, r := range v.Reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, " ")
}
