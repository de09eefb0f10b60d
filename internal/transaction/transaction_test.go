package transaction_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/internal/transaction"
)

var lists = transaction.Txn{Data: transaction.Lists, Steps: []transaction.Step{
	{F: transaction.Read, Key: 1}, {F: transaction.Append, Key: 1, Value: 6}, {F: transaction.Read, Key: 2},
}}

var registers = transaction.Txn{Data: transaction.Registers, Steps: []transaction.Step{
	{F: transaction.Read, Key: 1}, {F: transaction.Write, Key: 1, Value: 6},
}}

func TestRequestsAndAnswersAreMaelstroms(t *testing.T) {
	for _, c := range []struct {
		txn                   transaction.Txn
		request, answer, text string
	}{
		{lists, `[["r",1,null],["append",1,6],["r",2,null]]`, `[["r",1,[8,9]],["append",1,6],["r",2,null]]`,
			"[r 1 [8 9], append 1 6, r 2 null]"},
		{registers, `[["r",1,null],["w",1,6]]`, `[["r",1,8],["w",1,6]]`, "[r 1 8, w 1 6]"},
		{transaction.Txn{}, `[]`, `[]`, "[]"},
	} {
		if got, err := json.Marshal(c.txn); err != nil || string(got) != c.request {
			t.Errorf("%s, %v, want %s", got, err, c.request)
		}
		done, err := c.txn.Complete(json.RawMessage(c.answer))
		if err != nil {
			t.Errorf("%s: %v", c.answer, err)
		}
		if got, err := json.Marshal(done); err != nil || string(got) != c.answer || done.String() != c.text {
			t.Errorf("%s (%s), %v, want %s (%s)", got, done, err, c.answer, c.text)
		}
	}
}

func TestAnEmptyListIsNothing(t *testing.T) {
	done, err := lists.Complete(json.RawMessage(`[["r",1,[]],["append",1,6],["r",2,null]]`))
	if err != nil || len(done.Steps[0].Found) != 0 || len(done.Steps[2].Found) != 0 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestAnswersToAnotherQuestionAreRefused(t *testing.T) {
	for _, c := range []struct {
		txn          transaction.Txn
		answer, says string
	}{
		{lists, `{}`, "is an array"},
		{lists, `[["r",1,null]]`, "3 steps were asked for, and 1 answered"},
		{registers, `[["r",1],["w",1,6]]`, "step 0: it is not [function, key, value]"},
		{registers, `[["r",2,8],["w",1,6]]`, "r of 1 was asked for"},
		{registers, `[["w",1,8],["w",1,6]]`, "r of 1 was asked for"},
		{registers, `[["r",1,8],["w",1,7]]`, "w of 6 was asked for"},
		{registers, `[["r",1,8],["w",1,null]]`, "w of 6 was asked for"},
		{registers, `[["r",1,[8]],["w",1,6]]`, "an integer was wanted"},
		{registers, `[["r",1,"x"],["w",1,6]]`, "an integer was wanted"},
		{lists, `[["r",1,8],["append",1,6],["r",2,null]]`, "a list of integers was wanted"},
	} {
		if _, err := c.txn.Complete(json.RawMessage(c.answer)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.answer, err, c.says)
		}
	}
}
