package webhook

import "errors"

// A Reason is one thing for which a signature does not fit. Its text is for people, the value itself for programs.
type Reason string

// The reasons.
const (
	KeyMissing       Reason = "key_missing"
	KeyMalformed     Reason = "key_malformed"
	SignatureMissing Reason = "signature_missing"
	HeaderRepeated   Reason = "header_repeated"
	SecretMissing    Reason = "secret_missing"

	// How the signature is written.
	SignatureHex       Reason = "signature_hex"
	SignatureURLBase64 Reason = "signature_url_base64"
	SignatureUnpadded  Reason = "signature_unpadded"
	SignaturePrefixed  Reason = "signature_prefixed"
	SignatureBlanks    Reason = "signature_blanks"
	SignatureSpelling  Reason = "signature_spelling"
	SignatureMalformed Reason = "signature_malformed"

	// What was signed with what.
	HashSHA256     Reason = "hash_sha256"
	HashSHA384     Reason = "hash_sha384"
	KeyNotSigned   Reason = "key_not_signed"
	NoAmpersand    Reason = "no_ampersand"
	SecretBase64   Reason = "secret_base64"
	SecretHex      Reason = "secret_hex"
	SecretLineEnd  Reason = "secret_line_end"
	SecretBlanks   Reason = "secret_blanks"
	BodyLineAdded  Reason = "body_line_end_added"
	BodyLineLost   Reason = "body_line_end_lost"
	BodyLineEnds   Reason = "body_line_ends"
	BodyMark       Reason = "body_byte_order_mark"
	BodyCharset    Reason = "body_charset"
	BodySerialised Reason = "body_reserialised"

	// NoMatch is all that can be said where nothing of the above makes it fit.
	NoMatch Reason = "no_match"
)

// Text says the reason in a sentence without a full stop.
func (r Reason) Text() string {
	return map[Reason]string{
		KeyMissing: ErrNoKey.Error(), KeyMalformed: ErrBadKey.Error(), SignatureMissing: ErrNoSignature.Error(),
		HeaderRepeated: ErrRepeated.Error(), SecretMissing: ErrNoSecret.Error(),

		SignatureHex:       "the signature is written in hex, and must be base64",
		SignatureURLBase64: "the signature is URL-safe base64, and must be standard base64, with + and /",
		SignatureUnpadded:  "the signature lacks the == at its end",
		SignaturePrefixed:  "the signature has a prefix such as sha512=, and must have none",
		SignatureBlanks:    "there are blanks around the signature",
		SignatureSpelling:  "the signature is another spelling of the right base64",
		SignatureMalformed: "the signature is neither base64 nor hex of a hash",

		HashSHA256:     "the signature is made with SHA-256, and must be with SHA-512",
		HashSHA384:     "the signature is made with SHA-384, and must be with SHA-512",
		KeyNotSigned:   "the body alone is signed; the idempotency key and & belong before it",
		NoAmpersand:    "the & between the idempotency key and the body is not signed",
		SecretBase64:   "what the secret encodes in base64 signed it, and must be its text",
		SecretHex:      "what the secret encodes in hex signed it, and must be its text",
		SecretLineEnd:  "the secret that signed it ends with the end of a line",
		SecretBlanks:   "the secret has blanks around it that did not sign",
		BodyLineAdded:  "a line end was added to the body",
		BodyLineLost:   "the line end of the body was lost",
		BodyLineEnds:   "the line ends of the body were changed",
		BodyMark:       "a byte order mark was added to the body",
		BodyCharset:    "the body was read as Latin-1 and written as UTF-8",
		BodySerialised: "the JSON of the body was written anew; only the bytes as they came are signed",

		NoMatch: "another secret signed it, or the body was changed",
	}[r]
}

// refusal returns the reason for an error of [Verify] but [ErrBadSignature].
func refusal(err error) Reason {
	for reason, cause := range map[Reason]error{
		KeyMissing: ErrNoKey, KeyMalformed: ErrBadKey, SignatureMissing: ErrNoSignature, HeaderRepeated: ErrRepeated, SecretMissing: ErrNoSecret,
	} {
		if errors.Is(err, cause) {
			return reason
		}
	}
	return NoMatch
}
