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
		Short: "Verify the signature of a delivery",
		Long: `Verify the signature of a delivery, and print the cause if it is invalid. FILE
holds the unmodified body, or the whole HTTP request with its headers; "-" is
standard input.

Recognized causes: another secret, an added or removed line end, reformatted
JSON, hexadecimal or URL-safe base64 instead of base64, SHA-256 instead of
SHA-512, and a signature without the idempotency key.

Pass several secrets during a rotation. No flag takes a secret value:
--hmac-secret-file names a file, or "-" for standard input. The variable
TLXHOOK_HMAC_SECRET holds the secret.`,
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
	flags.StringVar(&o.key, "idempotency-key", "", "`KEY` in the header idempotency-key")
	flags.StringVar(&o.signature, "signature", "", "`TEXT` of the header x-request-signature")
	flags.StringArrayVar(&o.hmacFiles, "hmac-secret-file", nil, "read a secret from `FILE` (- for stdin); repeatable")
	return cmd
}

// verification is the result of verify.
type verification struct {
	Valid   bool                 `json:"valid"`
	Reasons []verificationReason `json:"reasons"`
	// Secret is the file or the variable of the secret that signed; empty if unknown.
	Secret         string `json:"secret"`
	IdempotencyKey string `json:"idempotencyKey"`
	SubscriptionID int64  `json:"subscriptionId"`
	Event          string `json:"event"`
	ObjectID       int64  `json:"objectId"`
}

type verificationReason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

func verify(ctx context.Context, app *App, o *verifyOptions, name string) error {
	secrets, sources, err := o.secrets(ctx, app.secrets(), name)
	if err != nil {
		return err
	}
	header, body, err := o.delivery(ctx, app.terminal.In, name)
	if err != nil {
		return err
	}
	found := webhook.Diagnose(header, body, secret.RevealAll(secrets)...)
	v := verification{Valid: found.Valid, Reasons: []verificationReason{}, IdempotencyKey: header.Get(webhook.KeyHeader)}
	texts := make([]string, len(found.Reasons))
	for i, reason := range found.Reasons {
		texts[i] = reason.Text()
		v.Reasons = append(v.Reasons, verificationReason{string(reason), reason.Text()})
	}
	if found.Secret >= 0 {
		v.Secret = sources[found.Secret]
	}
	if found.Valid {
		v.addEnvelope(app.warn, body)
	}
	if err := output.Item(ctx, app.printer, verificationTable(), v); err != nil {
		return err
	}
	if !found.Valid {
		return failf(codeBadSignature, "invalid delivery: %s", strings.Join(texts, "; "))
	}
	return nil
}

// addEnvelope adds the fields of the body, which are trusted only with a valid signature.
func (v *verification) addEnvelope(warn func(string, ...any), body []byte) {
	envelope, err := webhook.ParseEnvelope(body)
	if err != nil {
		warn("the signature is valid, but the body is not a delivery of Tripletex")
	}
	v.SubscriptionID, v.Event, v.ObjectID = envelope.SubscriptionID, envelope.Event, envelope.ID
}

// secrets returns the secrets to verify with, and their files or variable.
func (o *verifyOptions) secrets(ctx context.Context, r credentials.Reader, name string) (
	all []secret.Text, sources []string, err error,
) {
	fromStdin := name == "-"
	for _, file := range o.hmacFiles {
		if file == "-" && fromStdin {
			return nil, nil, usageFailure("only one of the delivery and the secrets can be read from standard input")
		}
		fromStdin = fromStdin || file == "-"
	}
	all, sources, err = hmacSecrets(ctx, r, o.hmacFiles)
	if err == nil && len(all) == 0 {
		err = usageFailure("an HMAC secret is required").withHint("pass --hmac-secret-file or set TLXHOOK_HMAC_SECRET")
	}
	return all, sources, err
}

// delivery reads the delivery. The flags override the headers of a captured request.
func (o *verifyOptions) delivery(ctx context.Context, stdin io.Reader, name string) (header http.Header, body []byte, err error) {
	header = http.Header{}
	if body, err = capture.Read(ctx, stdin, name); err != nil {
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
			withHint("pass the value of the header x-request-signature, or a file with the whole request")
	}
	return header, body, nil
}

func verificationTable() output.Table[verification] {
	table := output.TableOf([]output.Column[verification]{
		{Name: "valid", Style: func(v verification) terminal.Style { return goodIf(v.Valid) }},
		{Name: "reasons", Title: "REASONS", Text: verification.codes},
		{Name: "secret"},
		{Name: "idempotencyKey"},
		{Name: "event"},
		{Name: "objectId", Title: "OBJECT", OmitZero: true},
		{Name: "subscriptionId", Title: "SUBSCRIPTION", OmitZero: true},
	})
	table.ID = func(v verification) string { return v.IdempotencyKey }
	return table
}

// codes returns the codes of the reasons, separated by spaces.
func (v verification) codes() string {
	codes := make([]string, len(v.Reasons))
	for i, r := range v.Reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, " ")
}
