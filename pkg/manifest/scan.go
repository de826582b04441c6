package manifest

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

// Limits of a file, far above the needs of a manifest. The time of the parser is quadratic in the depth, the number
// of documents, the keys of one mapping, and the empty items of a list.
const (
	// MaxSize is the maximum size of a file in bytes.
	MaxSize      = 4 << 20
	maxTokens    = 250_000
	maxDocuments = 1000
	maxDepth     = 16
	maxKeys      = 32
)

// scan splits a file into tokens and rejects anchors, aliases, tags and other unneeded features before the parser sees
// them, which prevents expansion bombs and loops.
func (p *problems) scan(content []byte) token.Tokens {
	text := p.text(content)
	if text == "" {
		return nil
	}
	tokens := lexer.Tokenize(text)
	if len(tokens) > maxTokens {
		p.add(Position{File: p.file}, "is too large: it has more than %d parts", maxTokens)
		return nil
	}
	levels, before, documents := nesting{}, &token.Token{}, 1
	for _, t := range tokens {
		if t.Type == token.CommentType {
			continue
		}
		if t.Type == token.DocumentHeaderType {
			documents++
		}
		why := unsupported(t)
		switch {
		case why != "":
		case t.Type == token.DocumentHeaderType && before.Type == token.DocumentHeaderType:
			why = "ends an empty document; remove one of the two ---" // the parser would drop the rest of the file
		case documents > maxDocuments:
			why = "exceeds the limit of documents"
		case isScalar(t) && isScalar(before) && t.Position.Line == before.Position.Line:
			why = "is unexpected; quote text with special characters"
		case t.Type == token.SequenceEntryType && before.Type == token.SequenceEntryType:
			why = "a list must not contain empty items or lists"
		default:
			why = levels.add(t, before)
		}
		if why != "" {
			p.add(p.at(t), "%s", why)
			return nil
		}
		before = t
	}
	return tokens
}

// text returns the content as UTF-8 with LF line ends, or "" with a problem.
func (p *problems) text(content []byte) string {
	file := Position{File: p.file}
	switch {
	case len(content) > MaxSize:
		p.add(file, "is larger than %d MiB", MaxSize>>20)
		return ""
	case bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		p.add(file, "is UTF-16; save it as UTF-8")
		return ""
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	line, column := 1, 1
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		at := Position{p.file, line, column}
		switch {
		case r == utf8.RuneError && size == 1:
			p.add(at, "is not UTF-8")
			return ""
		case r == '\n':
			line, column = line+1, 0
		case r < ' ' && r != '\t', r >= 0x7f && r <= 0x9f:
			p.add(at, "contains a control character, U+%04X", r)
			return ""
		}
		i += size
		column++
	}
	return string(content)
}

// unsupported returns the reason to reject a token of a manifest; empty if it is valid.
func unsupported(t *token.Token) string {
	switch t.Type {
	case token.AliasType:
		return `an unquoted * starts a YAML alias, which is not supported; quote a pattern, such as "*.delete"`
	case token.AnchorType:
		return "an unquoted & starts a YAML anchor, which is not supported; put shared settings in defaults:"
	case token.TagType:
		return "an unquoted ! starts a YAML tag, which is not supported; quote the text"
	case token.MergeKeyType:
		return "merge keys are not supported; put shared settings in defaults:"
	case token.MappingKeyType:
		return "an unquoted ? starts a complex key, which is not supported; quote the text"
	case token.DirectiveType:
		return "YAML directives are not supported"
	default:
		return ""
	}
}

func isScalar(t *token.Token) bool {
	return slices.Contains([]token.Type{
		token.SingleQuoteType, token.DoubleQuoteType, token.StringType, token.NullType, token.InfinityType,
		token.NanType, token.IntegerType, token.BinaryIntegerType, token.OctetIntegerType, token.HexIntegerType,
		token.FloatType, token.BoolType,
	}, t.Type)
}

// nesting is the open lists and mappings at a token, from outer to inner.
type nesting []level

type level struct {
	flow   bool // in brackets
	column int  // of its keys or dashes, for a block
	keys   int
}

// add adds the next token, and returns the reason to reject it; empty if it is valid.
func (n *nesting) add(t, before *token.Token) string {
	switch t.Type {
	case token.DocumentHeaderType, token.DocumentEndType:
		*n = nil
	case token.SequenceStartType, token.MappingStartType:
		*n = append(*n, level{flow: true})
	case token.SequenceEndType, token.MappingEndType:
		n.close()
	case token.SequenceEntryType:
		n.open(t.Position.Column)
	case token.MappingValueType:
		if before.Position != nil && (len(*n) == 0 || !(*n)[len(*n)-1].flow) {
			n.open(before.Position.Column)
		}
		if len(*n) > 0 {
			(*n)[len(*n)-1].keys++
		}
	}
	switch {
	case len(*n) > maxDepth:
		return "is nested too deeply"
	case len(*n) > 0 && (*n)[len(*n)-1].keys > maxKeys:
		return "has too many keys"
	default:
		return ""
	}
}

// open starts or continues a block at a column, and ends deeper blocks.
func (n *nesting) open(column int) {
	levels := *n
	for len(levels) > 0 && !levels[len(levels)-1].flow && levels[len(levels)-1].column > column {
		levels = levels[:len(levels)-1]
	}
	if len(levels) == 0 || levels[len(levels)-1].flow || levels[len(levels)-1].column < column {
		levels = append(levels, level{column: column})
	}
	*n = levels
}

// close ends the innermost brackets.
func (n *nesting) close() {
	for i, l := range slices.Backward(*n) {
		if l.flow {
			*n = (*n)[:i]
			return
		}
	}
}
