package keyspace

import (
	"bytes"
	"cmp"
	"strings"
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
// engine does, must never disagree. Servers compare bytes, and clients compare keys.
func TestOrderIsItsEncoding(t *testing.T) {
	for _, order := range []Order{Hierarchical, Natural} {
		t.Run(order.String(), rapid.MakeCheck(func(t *rapid.T) {
			keys := rapid.StringOf(rapid.SampledFrom([]rune{0, '/', '0', 'a', 'b', 'é', '\U0010ffff'}))
			a, b := keys.Draw(t, "a"), keys.Draw(t, "b")
			encodedA, encodedB := order.AppendEncoded(nil, a), order.AppendEncoded(nil, b)
			if got, want := cmp.Compare(order.Compare(a, b), 0), bytes.Compare(encodedA, encodedB); got != want {
				t.Fatalf("it compares %q and %q to %d, their encodings to %d", a, b, got, want)
			}
			if got := order.Decode(encodedA); got != a {
				t.Fatalf("it decodes %x to %q, which was %q", encodedA, got, a)
			}
		}))
	}
}

func TestOrders(t *testing.T) {
	for order, keys := range map[Order][]string{
		Natural: {"", "\x00", "/a", "a", "a\x00", "a/", "a/b", "a/b/c", "a0", "b", "b/c", "é"},
		// By depth, and the slash last; what ends in two slashes ends a directory.
		Hierarchical: {
			"", "\x00", "a", "a\x00", "a0", "b", "é",
			"a0/", "a/", "a/b", "a//", "b/c", "/", "/a", "/a0", "//",
			"a/b/c", "/a0/x", "/a/", "/a/b", "/a/é", "/a//", "//x",
			"/a/b/c",
		},
	} {
		for i := range keys[1:] {
			if order.Compare(keys[i], keys[i+1]) >= 0 {
				t.Errorf("%s: %q does not come before %q", order, keys[i], keys[i+1])
			}
		}
	}
}

// The children of a key, and nothing else, are between it with one slash and with two.
func TestChildrenAreTogetherInTheHierarchicalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.StringOf(rapid.SampledFrom([]rune{'/', '0', 'a', 'é'}))
		parent, key := keys.Draw(t, "parent"), keys.Draw(t, "key")
		if strings.HasSuffix(parent, "/") {
			t.Skip("it is no parent")
		}
		name, below := strings.CutPrefix(key, parent+"/")
		child := below && !strings.Contains(name, "/")
		within := Hierarchical.Compare(key, parent+"/") >= 0 && Hierarchical.Compare(key, parent+"//") < 0
		if child != within {
			t.Fatalf("%q is a child of %q: %v; between its ends: %v", key, parent, child, within)
		}
	})
}

// However many slashes a key has, its depth fits.
func TestDeepestKeysHaveOneDepth(t *testing.T) {
	deep, deeper := strings.Repeat("/", maxDepth+10), strings.Repeat("/", maxDepth+20)
	if Hierarchical.Compare(deep, deeper) >= 0 {
		t.Error("of two keys of the greatest depth the longer one does not come last")
	}
	if a, b := Hierarchical.AppendEncoded(nil, deep), Hierarchical.AppendEncoded(nil, deeper); bytes.Compare(a, b) >= 0 {
		t.Error("their encodings disagree")
	}
}
