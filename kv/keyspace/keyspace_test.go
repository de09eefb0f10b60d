package keyspace

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

// The hash is part of the contract with clients, which hash by themselves.
func TestHashIsLowHalfOfXXH3(t *testing.T) {
	for _, c := range []struct {
		routing string
		hash    uint32
	}{
		{"", 0x38d394c2}, // XXH3-64 of nothing is 2d06800538d394c2
		{"foo", 125730186},
		{"bar", 2687685474},
		{"baz", 862947621},
	} {
		if got := Hash(c.routing); got != c.hash {
			t.Errorf("Hash(%q) = %d, want %d", c.routing, got, c.hash)
		}
	}
}

func TestHashRangeHoldsBothEnds(t *testing.T) {
	r := HashRange{Min: 10, Max: 20}
	for hash, want := range map[uint32]bool{9: false, 10: true, 15: true, 20: true, 21: false} {
		if r.Contains(hash) != want {
			t.Errorf("%s.Contains(%d) = %v", r, hash, !want)
		}
	}
	if !FullRange.Contains(0) || !FullRange.Contains(1<<32-1) {
		t.Error("the full range does not hold its ends")
	}
}

// An order is its encoding: comparing keys, and comparing bytes as the storage
// engine does, must never disagree.
func TestOrderIsItsEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.StringOf(rapid.SampledFrom([]rune{0, '/', '0', 'a', 'b', 'é', '\U0010ffff'}))
		a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
		for _, order := range []Order{Natural} {
			encodedA, encodedB := order.AppendEncoded(nil, a), order.AppendEncoded(nil, b)
			if got, want := cmp.Compare(order.Compare(a, b), 0), bytes.Compare(encodedA, encodedB); got != want {
				t.Fatalf("order %d compares %q and %q to %d, their encodings to %d", order, a, b, got, want)
			}
			if got := order.Decode(encodedA); got != a {
				t.Fatalf("order %d decodes %q to %q", order, a, got)
			}
		}
	})
}

func TestNaturalOrderIsByBytes(t *testing.T) {
	keys := []string{"", "\x00", "a", "a\x00", "a/", "a/b", "a0", "b", "é"}
	for i := range keys[1:] {
		if Natural.Compare(keys[i], keys[i+1]) >= 0 {
			t.Errorf("%q does not come before %q", keys[i], keys[i+1])
		}
	}
}
