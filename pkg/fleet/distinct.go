package fleet

// Distinct returns the label of each company whose name another one has, too. A reader of names could not tell them
// apart.
func Distinct(all []Company) map[Company]string {
	first, shared := map[string]Company{}, map[string]bool{}
	for _, c := range all {
		if one, seen := first[c.CompanyName]; seen && one != c {
			shared[c.CompanyName] = true
		}
		first[c.CompanyName] = c
	}
	labels := map[Company]string{}
	for _, c := range all {
		if shared[c.CompanyName] {
			labels[c] = c.Label()
		}
	}
	return labels
}
