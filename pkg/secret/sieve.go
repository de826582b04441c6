package secret

import "strings"

const (
	// gram is the number of bytes that a sieve compares.
	gram = 8
	// stride is the greatest distance of positions that misses no form: each has a whole gram at one of them.
	stride = minimumToken - gram + 1
)

// sieve finds text that may hold one of many forms. It looks at eight of nine bytes once, not once for each form.
type sieve struct {
	bits  []uint64 // a bit for each hash of a gram
	grams map[uint64]bool
}

// add adds forms of at least minimumToken bytes.
func (s *sieve) add(forms []form) {
	if len(forms) > 0 && s.grams == nil {
		s.bits, s.grams = make([]uint64, 1<<10), map[uint64]bool{}
	}
	for _, f := range forms {
		for i := range stride {
			g := gramAt(f.text, i)
			s.grams[g] = true
			s.bits[hash(g)/64] |= 1 << (hash(g) % 64)
		}
	}
}

// mayHold reports whether text may hold a form, escaped or not.
func (s *sieve) mayHold(text string) bool {
	if s.grams == nil {
		return false
	}
	for range maxLayers {
		if s.find(text) {
			return true
		}
		next := unescaped(text)
		if next == text {
			return false
		}
		text = next
	}
	return s.find(text)
}

func (s *sieve) find(text string) bool {
	for i := 0; i+gram <= len(text); i += stride {
		g := gramAt(text, i)
		if h := hash(g); s.bits[h/64]&(1<<(h%64)) != 0 && s.grams[g] {
			return true
		}
	}
	return false
}

// gramAt returns eight bytes of text.
func gramAt(text string, i int) uint64 {
	t := text[i : i+gram]
	return uint64(t[0]) | uint64(t[1])<<8 | uint64(t[2])<<16 | uint64(t[3])<<24 |
		uint64(t[4])<<32 | uint64(t[5])<<40 | uint64(t[6])<<48 | uint64(t[7])<<56
}

// hash returns 16 bits by multiplicative hashing.
func hash(g uint64) uint64 { return g * 0x9e3779b97f4a7c15 >> 48 }

// unescaped returns text without its outermost escapes.
func unescaped(text string) string {
	if strings.IndexByte(text, escapes[0]) < 0 && strings.IndexByte(text, escapes[1]) < 0 && strings.IndexByte(text, escapes[2]) < 0 {
		return text // three searches for a byte are faster than one for a set
	}
	var out strings.Builder
	out.Grow(len(text))
	for i := strings.IndexAny(text, escapes); i >= 0; i = strings.IndexAny(text, escapes) {
		plain, size := unescape(text[i:])
		if size == 0 {
			plain, size = text[i:i+1], 1
		}
		out.WriteString(text[:i])
		out.WriteString(plain)
		text = text[i+size:]
	}
	out.WriteString(text)
	return out.String()
}
