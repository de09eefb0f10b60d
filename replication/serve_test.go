package replication

import "testing"

// TestForgetBelow: whatever the distance, exactly what is below is forgotten.
func TestForgetBelow(t *testing.T) {
	for _, low := range []uint64{0, 1, 3, 5, 9, 1 << 60} {
		v := newServed()
		o := v.origin(originKey{server: "s1", run: 1})
		for _, sequence := range []uint64{2, 3, 8} {
			o.served[sequence] = &servedRequest{sequence: sequence, token: Token(sequence)}
			v.byToken[Token(sequence)] = o.served[sequence]
		}
		v.forgetBelow(o, low)
		for _, sequence := range []uint64{2, 3, 8} {
			kept := o.served[sequence] != nil && v.byToken[Token(sequence)] != nil
			if kept != (sequence >= low) {
				t.Errorf("low %d: sequence %d kept=%v", low, sequence, kept)
			}
		}
		if o.low != low {
			t.Errorf("low is %d, told %d", o.low, low)
		}
	}
}
