package checker

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// The functions of a register.
const (
	Read  = "read"
	Write = "write"
	CAS   = "cas"
)

// Absent is the value of a register that was never written.
const Absent = ""

// Register is the value of an operation on one of many registers. A read has a Value
// once it is answered, a write has the Value it writes, a cas has From and To. Values
// are canonical JSON.
type Register struct {
	Key      int
	Value    string
	From, To string
}

// MarshalJSON writes [key, value] or [key, [from, to]].
func (r Register) MarshalJSON() ([]byte, error) {
	if r.From != "" || r.To != "" {
		return fmt.Appendf(nil, "[%d,[%s,%s]]", r.Key, orNull(r.From), orNull(r.To)), nil
	}
	return fmt.Appendf(nil, "[%d,%s]", r.Key, orNull(r.Value)), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Register) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) != 2 {
		return fmt.Errorf("not a pair of key and value: %s", data)
	}
	key, err := strconv.Atoi(string(pair[0]))
	if err != nil {
		return fmt.Errorf("the key is not a number: %s", pair[0])
	}
	r.Key = key
	var fromTo []json.RawMessage
	if json.Unmarshal(pair[1], &fromTo) == nil && len(fromTo) == 2 {
		r.From, r.To = string(fromTo[0]), string(fromTo[1])
		return nil
	}
	if r.Value = string(pair[1]); r.Value == "null" {
		r.Value = Absent
	}
	return nil
}

func orNull(v string) string {
	if v == Absent {
		return "null"
	}
	return v
}
