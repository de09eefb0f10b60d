package replication

import (
	"bytes"
	"reflect"
	"testing"
)

// TestFingerprintCoversEveryField changes each field by itself, wherever it is
// nested, and expects another fingerprint.
func TestFingerprintCoversEveryField(t *testing.T) {
	for _, r := range filledReplicas() {
		fingerprint := func() []byte { return r.AppendFingerprint(nil) }
		expectChanges(t, reflect.ValueOf(r).Elem(), "Replica", fingerprint)
		expectChanges(t, reflect.ValueOf(r.role).Elem(), r.role.kind().String(), fingerprint)
	}
	e := filledElection()
	expectChanges(t, reflect.ValueOf(e).Elem(), "Election", func() []byte { return e.AppendFingerprint(nil) })
}

// expectChanges walks a value's leaves.
func expectChanges(t *testing.T, v reflect.Value, at string, fingerprint func() []byte) {
	v = writable(v)
	before := reflect.New(v.Type()).Elem()
	before.Set(v)
	expect := func() {
		whole := fingerprint()
		v.Set(before)
		if bytes.Equal(whole, fingerprint()) {
			t.Errorf("%s is not in the fingerprint", at)
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
		expect()
	case reflect.Int, reflect.Int64:
		// Another number, and for an instant another order.
		v.SetInt(0)
		expect()
	case reflect.Uint8:
		v.SetUint(v.Uint() + 1)
		expect()
	case reflect.Uint64:
		v.SetUint(v.Uint() + 1)
		expect()
	case reflect.String:
		v.SetString(v.String() + "x")
		expect()
	case reflect.Slice:
		for i := range v.Len() {
			expectChanges(t, v.Index(i), at+"[]", fingerprint)
		}
		v.Set(v.Slice(0, 1))
		expect()
	case reflect.Struct:
		for i := range v.NumField() {
			if !handedOver[path(v, i)] {
				expectChanges(t, v.Field(i), at+"."+v.Type().Field(i).Name, fingerprint)
			}
		}
	case reflect.Pointer:
		expectChanges(t, v.Elem(), at, fingerprint)
		v.SetZero()
		expect()
	default:
		t.Errorf("%s is a %v: teach AppendFingerprint and this test about it", at, v.Kind())
	}
}

// TestFingerprintForgetsWhatDecidesNothing: neither by how much timers differ,
// nor how many log operations there were once.
func TestFingerprintForgetsWhatDecidesNothing(t *testing.T) {
	for _, r := range filledReplicas() {
		before := r.AppendFingerprint(nil)
		for i := range r.log.ops {
			r.log.ops[i].sequence += 7
		}
		r.log.asked += 7
		r.log.done += 7
		switch role := r.role.(type) {
		case *fencedRole:
			role.after += 7
			role.askAt += 3
		case *deletedRole:
			role.after += 7
		case *leaderRole:
			role.askAt *= 2
			role.reads.resendAt *= 2
			role.stallAt *= 2
			for i := range role.cursors {
				role.cursors[i].timer *= 2
			}
		}
		if !bytes.Equal(before, r.AppendFingerprint(nil)) {
			t.Errorf("%v: the fingerprint changed", r.role.kind())
		}
	}
}
