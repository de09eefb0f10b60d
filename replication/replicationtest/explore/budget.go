package explore

// spending is what a budget limits.
type spending uint8

const (
	crashes spending = iota
	coordinatorCrashes
	duplicates
	silences
	ticks
	unknowns
	rollbacks
	writes
	reads
	trims
	withdrawals
	spendings
)

// Budget is how often each thing may happen on one path. Together with the
// number of terms it makes the space finite.
type Budget [spendings]uint8

// mostOfAKind is the highest that a budget can be, four bits.
const mostOfAKind = 15

// pack writes a budget into two words, four bits for each kind.
func (b Budget) pack() (low, high uint32) {
	for i, n := range b {
		if i < 8 {
			low |= uint32(n&15) << (4 * i)
		} else {
			high |= uint32(n&15) << (4 * (i - 8))
		}
	}
	return low, high
}

func unpack(low, high uint32) Budget {
	var b Budget
	for i := range b {
		if i < 8 {
			b[i] = uint8(low>>(4*i)) & 15
		} else {
			b[i] = uint8(high>>(4*(i-8))) & 15
		}
	}
	return b
}
