package manifest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/tlxhook/tlxhook/pkg/match"
)

// This file reads the nodes of a document without the decoder of the library, which turns unquoted text that looks
// like a number into one, even for a string: 0123 becomes 83.
//
// goccy/go-yaml is used because go.yaml.in/yaml/v3 reports syntax errors without a column, often without a line
// ("mapping values are not allowed in this context") and for a tab with the wrong one, accepts text after a JSON
// document and complex keys, and cannot tell where an unquoted "*.create" stands. goccy needs the limits of scan.go.

// text is text of a file and its position.
type text struct {
	value string
	at    Position
}

// keyed are the values of a mapping, by key.
type keyed map[string]ast.Node

// mapping reads a mapping with known keys. Problems name it what.
func (p *problems) mapping(n ast.Node, what string, known ...string) (keyed, bool) {
	mapping, ok := n.(ast.MapNode)
	if !ok {
		p.add(p.of(n), "%s must be a mapping of %s, not %s", what, strings.Join(known, ", "), kind(n))
		return nil, false
	}
	values := keyed{}
	for each := mapping.MapRange(); each.Next(); {
		key, at := each.Key().GetToken().Value, p.at(each.Key().GetToken())
		switch _, twice := values[key]; {
		case !slices.Contains(known, key):
			p.add(at, "%s", unknown(key, each.Value(), what, known))
		case twice:
			p.add(at, "key %q occurs twice in %s", key, what)
		default:
			values[key] = each.Value()
		}
	}
	return values, true
}

// unknown names a key and suggests a similar one, or lists all.
func unknown(key string, value ast.Node, what string, known []string) string {
	if near := match.Nearest(key, known); len(near) > 0 {
		return fmt.Sprintf("unknown key %q in %s; did you mean %s?", key, what, near[0])
	}
	if mayBeSecret(key, value) {
		return fmt.Sprintf("unknown key in %s; valid keys: %s", what, strings.Join(known, ", "))
	}
	return fmt.Sprintf("unknown key %q in %s; valid keys: %s", key, what, strings.Join(known, ", "))
}

// mayBeSecret reports whether an unknown key may be a misplaced secret: it has no value, or is not a short word.
func mayBeSecret(key string, value ast.Node) bool {
	const longest = 24 // characters
	word := strings.Trim(strings.ToLower(key), "abcdefghijklmnopqrstuvwxyz_-") == ""
	return value == nil || value.Type() == ast.NullType || !word || len(key) > longest
}

// of returns the position of a node; for a mapping, that of its first key.
func (p *problems) of(n ast.Node) Position {
	if mapping, ok := n.(ast.MapNode); ok {
		if each := mapping.MapRange(); each.Next() {
			return p.at(each.Key().GetToken())
		}
	}
	return p.at(n.GetToken())
}

func kind(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "a mapping"
	case ast.ArrayNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	default:
		return "text"
	}
}

func isNull(n ast.Node) bool { return n == nil || n.Type() == ast.NullType }

// scalar reads text, which may be empty if it is quoted.
func (p *problems) scalar(n ast.Node, what string) (text, bool) {
	at := p.of(n)
	switch n := n.(type) {
	case *ast.StringNode:
		return text{n.Value, at}, true
	case *ast.LiteralNode:
		return text{strings.TrimSuffix(n.Value.Value, "\n"), at}, true
	case *ast.NullNode:
		p.add(at, "%s needs a value", what)
	case ast.ScalarNode:
		return text{n.GetToken().Value, at}, true
	default:
		p.add(at, "%s must be text, not %s", what, kind(n))
	}
	return text{}, false
}

// list reads a list.
func (p *problems) list(n ast.Node, what string) []ast.Node {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		p.add(p.of(n), "%s must be a list, not %s", what, kind(n))
		return nil
	}
	return list.Values
}

// texts reads a list of text.
func (p *problems) texts(n ast.Node, what string) []text {
	nodes := p.list(n, what)
	all := make([]text, 0, len(nodes))
	for _, node := range nodes {
		if t, ok := p.scalar(node, "an item of "+what); ok {
			all = append(all, t)
		}
	}
	return all
}
