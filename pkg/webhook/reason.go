package webhook

import "errors"

// Reason is a code for one deviation that makes a signature invalid. The codes are stable.
type Reason string

// Headers and secrets that are missing or malformed; see the errors of [Verify].
const (
	KeyMissing       Reason = "key_missing"
	KeyMalformed     Reason = "key_malformed"
	SignatureMissing Reason = "signature_missing"
	HeaderRepeated   Reason = "header_repeated"
	SecretMissing    Reason = "secret_missing"
)

// Deviations in the encoding of the signature.
const (
	SignatureHex       Reason = "signature_hex"        // hexadecimal
	SignatureURLBase64 Reason = "signature_url_base64" // URL-safe base64
	SignatureUnpadded  Reason = "signature_unpadded"   // without the final ==
	SignaturePrefixed  Reason = "signature_prefixed"   // prefix such as sha512=
	SignatureBlanks    Reason = "signature_blanks"     // surrounding white space
	SignatureSpelling  Reason = "signature_spelling"   // base64 that decodes to the right bytes but is not canonical
	SignatureMalformed Reason = "signature_malformed"  // neither base64 nor hexadecimal of a hash
)

// Deviations in the signed text, the hash and the secret.
const (
	HashSHA256    Reason = "hash_sha256"
	HashSHA384    Reason = "hash_sha384"
	KeyNotSigned  Reason = "key_not_signed"  // the body alone is signed
	NoAmpersand   Reason = "no_ampersand"    // key and body are signed without & between them
	SecretBase64  Reason = "secret_base64"   // signed with the bytes that the secret encodes in base64
	SecretHex     Reason = "secret_hex"      // signed with the bytes that the secret encodes in hexadecimal
	SecretLineEnd Reason = "secret_line_end" // signed with the secret and a line end
	SecretBlanks  Reason = "secret_blanks"   // signed with the secret without surrounding white space
)

// Changes of the body after it was received.
const (
	BodyLineAdded  Reason = "body_line_end_added"  // final line end added
	BodyLineLost   Reason = "body_line_end_lost"   // final line end removed
	BodyLineEnds   Reason = "body_line_ends"       // LF replaced by CRLF, or the reverse
	BodyMark       Reason = "body_byte_order_mark" // byte order mark added
	BodyCharset    Reason = "body_charset"         // read as Latin-1 and written as UTF-8
	BodySerialised Reason = "body_reserialised"    // JSON parsed and written again
	BodyDecoded    Reason = "body_decoded"         // decompressed after it was signed
	BodyEncoded    Reason = "body_encoded"         // compressed after it was signed, or kept compressed
)

// NoMatch means that no known deviation explains the signature: it was made with another secret, or the body was changed.
const NoMatch Reason = "no_match"

// Text describes the reason in English, without a full stop. It is empty for an unknown code.
func (r Reason) Text() string {
	return map[Reason]string{
		KeyMissing: ErrNoKey.Error(), KeyMalformed: ErrBadKey.Error(), SignatureMissing: ErrNoSignature.Error(),
		HeaderRepeated: ErrRepeated.Error(), SecretMissing: ErrNoSecret.Error(),

		SignatureHex:       "the signature is hexadecimal; it must be base64",
		SignatureURLBase64: "the signature is URL-safe base64; it must be standard base64, with + and /",
		SignatureUnpadded:  "the signature has no == at its end",
		SignaturePrefixed:  "the signature has a prefix such as sha512=; it must have none",
		SignatureBlanks:    "the signature has surrounding white space",
		SignatureSpelling:  "the signature is a non-canonical spelling of the correct base64",
		SignatureMalformed: "the signature is neither base64 nor hexadecimal of a hash",

		HashSHA256:     "the signature was made with SHA-256; it must be SHA-512",
		HashSHA384:     "the signature was made with SHA-384; it must be SHA-512",
		KeyNotSigned:   "only the body is signed; the idempotency key and & must precede it",
		NoAmpersand:    "the & between the idempotency key and the body is not signed",
		SecretBase64:   "signed with the base64-decoded secret; the key must be its text",
		SecretHex:      "signed with the hex-decoded secret; the key must be its text",
		SecretLineEnd:  "signed with the secret and a line end",
		SecretBlanks:   "signed without the white space around the secret",
		BodyLineAdded:  "a line end was added to the body",
		BodyLineLost:   "the line end of the body was removed",
		BodyLineEnds:   "the line ends of the body were changed",
		BodyMark:       "a byte order mark was added to the body",
		BodyCharset:    "the body was read as Latin-1 and written as UTF-8",
		BodySerialised: "the JSON of the body was parsed and written again; only the original bytes are signed",
		BodyDecoded:    "the body was decompressed, see Content-Encoding; the signature may be of the compressed bytes",
		BodyEncoded:    "the body is compressed, see Content-Encoding; the signature covers the uncompressed bytes",

		NoMatch: "signed with another secret, or the body was changed",
	}[r]
}

// refusal returns the reason for an error of Verify, or NoMatch for ErrBadSignature.
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
