package replication

import (
	"reflect"
	"testing"
	"unsafe"
)

// The structs are filled by reflection, so that a field that is added without
// being cloned or without being in the fingerprint fails a test.

// filler gives every field of a value something to hold. Numbers ascend, so
// that no two are the same and none is zero.
type filler struct{ next int64 }

func (f *filler) fill(v reflect.Value) {
	v = writable(v)
	f.next++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(f.next)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(uint64(f.next % 250))
	case reflect.String:
		v.SetString(string(rune('a' + f.next%26)))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 4))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Struct:
		for i := range v.NumField() {
			if !handedOver[path(v, i)] {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		if v.Type() == reflect.TypeFor[*Document]() {
			v.Set(reflect.New(v.Type().Elem()))
			f.fill(v.Elem())
		}
	}
}

// handedOver are fields that only a step in progress has, or that are the same
// for the life of the struct.
var handedOver = map[string]bool{
	"Replica.options": true, "Replica.out": true, "Replica.now": true, "Replica.role": true,
	"Election.options": true, "Election.out": true, "Election.now": true,
	"Election.tally": true,
}

func path(v reflect.Value, field int) string {
	return v.Type().Name() + "." + v.Type().Field(field).Name
}

// writable makes an unexported field of an addressable struct one that can be
// set.
func writable(v reflect.Value) reflect.Value {
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}

// filledReplicas returns one replica for each role.
func filledReplicas() []*Replica {
	var replicas []*Replica
	for _, role := range []role{&fencedRole{}, &followerRole{}, &leaderRole{}, &deletedRole{}} {
		r, f := &Replica{}, &filler{}
		f.fill(reflect.ValueOf(r).Elem())
		// What is asked comes after what is done.
		f.next += 1000
		for i := range r.log.ops {
			f.next++
			r.log.ops[i].sequence = uint64(f.next)
		}
		r.log.asked = uint64(f.next) + 1
		f.fill(reflect.ValueOf(role).Elem())
		r.role = role
		replicas = append(replicas, r)
	}
	return replicas
}

func filledElection() *Election {
	e := &Election{}
	(&filler{}).fill(reflect.ValueOf(e).Elem())
	return e
}

func TestCloneSharesNothingThatAStepMayChange(t *testing.T) {
	for _, r := range filledReplicas() {
		c := r.Clone()
		if !reflect.DeepEqual(r, c) {
			t.Errorf("the clone of %v differs: %+v", r.role.kind(), c)
		}
		noSharing(t, reflect.ValueOf(r).Elem(), reflect.ValueOf(c).Elem(), "Replica")
		noSharing(t, reflect.ValueOf(r.role).Elem(), reflect.ValueOf(c.role).Elem(), r.role.kind().String())
	}
	e := filledElection()
	c := e.Clone()
	if !reflect.DeepEqual(e, c) {
		t.Errorf("the clone differs: %+v", c)
	}
	noSharing(t, reflect.ValueOf(e).Elem(), reflect.ValueOf(c).Elem(), "Election")
}

// noSharing walks two equal values, and fails where they share memory. Payloads
// and the entries of messages are never changed (duty 9), and may be shared.
func noSharing(t *testing.T, a, b reflect.Value, at string) {
	a, b = writable(a), writable(b)
	switch a.Kind() {
	case reflect.Slice:
		if a.Type() == reflect.TypeFor[[]byte]() {
			return
		}
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", at)
		}
		for i := range a.Len() {
			if a.Type().Elem() != reflect.TypeFor[Append]() {
				noSharing(t, a.Index(i), b.Index(i), at+"[]")
			}
		}
	case reflect.Struct:
		for i := range a.NumField() {
			if !handedOver[path(a, i)] {
				noSharing(t, a.Field(i), b.Field(i), at+"."+a.Type().Field(i).Name)
			}
		}
	case reflect.Pointer:
		if a.Pointer() == b.Pointer() {
			t.Errorf("%s is shared", at)
			return
		}
		noSharing(t, a.Elem(), b.Elem(), at)
	case reflect.Map, reflect.Interface:
		t.Errorf("%s is a %v: teach Clone and this test about it", at, a.Kind())
	}
}
