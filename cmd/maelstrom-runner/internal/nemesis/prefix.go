package nemesis

// Hurts is how many steps of a plan hurt somebody.
func Hurts(plan []Step) int {
	n := 0
	for _, s := range plan {
		if hurts(s) {
			n++
		}
	}
	return n
}

func hurts(s Step) bool { return !s.Do.Cures() && s.Touches() }

// Prefix returns a plan with the first k steps that hurt, at their times, and all cures:
// what ails at the k-th is cured when it would have been. A cure of what is well does
// nothing.
func Prefix(plan []Step, k int) []Step {
	var out []Step
	for _, s := range plan {
		if s.Do.Cures() {
			out = append(out, s)
			continue
		}
		if hurts(s) {
			if k == 0 {
				continue
			}
			k--
		}
		out = append(out, s)
	}
	return out
}
