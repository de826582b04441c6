package health

import "bytes"

// Prometheus renders several samples as one page, each under its company. The format wants all series of a family
// together, and every family once.
func Prometheus(samples []Sample) []byte {
	var order []*bytes.Buffer
	families, size := map[string]*bytes.Buffer{}, 0
	for _, s := range samples {
		var family *bytes.Buffer
		known := false
		part := s.Prometheus()
		size += len(part)
		for line := range bytes.Lines(part) {
			if head, ok := bytes.CutPrefix(line, []byte("# HELP ")); ok {
				name, _, _ := bytes.Cut(head, []byte(" "))
				if family, known = families[string(name)], families[string(name)] != nil; !known {
					family = &bytes.Buffer{}
					families[string(name)] = family
					order = append(order, family)
				}
			}
			if !known || !bytes.HasPrefix(line, []byte("# ")) {
				family.Write(line)
			}
		}
	}
	page := make([]byte, 0, size)
	for _, family := range order {
		page = append(page, family.Bytes()...)
	}
	return page
}
