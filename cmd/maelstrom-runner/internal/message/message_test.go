package message_test

import (
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, line, says string }{
		{"a message", `{"src":"n0","dest":"c1","body":{"type":"read_ok","in_reply_to":3}}`, ""},
		{"an id is allowed", `{"id":7,"src":"n0","dest":"c1","body":{}}`, ""},
		{"text", `hello`, "not a message"},
		{"nothing", ``, "not a message"},
		{"two values", `{"src":"n0","dest":"c1","body":{}} {}`, "more than one"},
		{"garbage behind", `{"src":"n0","dest":"c1","body":{}}}`, "more than one"},
		{"no src", `{"dest":"c1","body":{}}`, "src is missing"},
		{"no dest", `{"src":"n0","body":{}}`, "dest is missing"},
		{"no body", `{"src":"n0","dest":"c1"}`, "body is missing"},
		{"a body that is no object", `{"src":"n0","dest":"c1","body":[]}`, "not an object"},
		{"a src that is no string", `{"src":5,"dest":"c1","body":{}}`, "not a message"},
		{"a field too many", `{"src":"n0","dest":"c1","body":{},"time":1}`, "unknown field"},
	} {
		_, err := message.Parse([]byte(c.line))
		if c.says == "" && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: error %v, want one that contains %q", c.name, err, c.says)
		}
	}
}

func TestALineKeepsTheBodyAsItIs(t *testing.T) {
	m, err := message.Parse([]byte(`{"src":"n0","dest":"n1","body":{ "b":1.0,  "a":"é<" }}`))
	if err != nil {
		t.Fatal(err)
	}
	m.ID = 12
	want := `{"id":12,"src":"n0","dest":"n1","body":{ "b":1.0,  "a":"é<" }}` + "\n"
	if got := string(m.AppendLine(nil)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestHeaderIgnoresFieldsOfOtherTypes(t *testing.T) {
	m := message.Message{Body: []byte(`{"type":["x"],"msg_id":"a","in_reply_to":4}`)}
	h := m.Header()
	if h.Type != "" || h.MsgID != nil || h.InReplyTo == nil || *h.InReplyTo != 4 {
		t.Errorf("got %+v", h)
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		` { "b" : [1, 2.0] , "a" : null } `: `{"a":null,"b":[1,2.0]}`,
		`"x"`:                               `"x"`,
		`10000000000000000000001`:           `10000000000000000000001`,
	} {
		if got, err := message.Canonical([]byte(in)); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", in, got, err, want)
		}
	}
}

func TestDefiniteErrorsAreTheProtocols(t *testing.T) {
	definite := map[message.Code]bool{1: true, 10: true, 11: true, 12: true, 14: true, 20: true, 21: true, 22: true, 30: true}
	for code := message.Code(-1); code < 1100; code++ {
		if code.Definite() != definite[code] {
			t.Errorf("code %d: definite is %t", code, code.Definite())
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"src":"n0","dest":"c1","body":{"type":"x"}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := message.Parse(line)
		if err != nil {
			return
		}
		again, err := message.Parse(m.AppendLine(nil))
		if err != nil || again.Src != m.Src || again.Dest != m.Dest || string(again.Body) != string(m.Body) {
			t.Errorf("%s became %s: %v", line, m.AppendLine(nil), err)
		}
		m.Header()
	})
}
