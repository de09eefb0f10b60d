package kv

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// parseTransaction reads lines of
//
//	partition KEY
//	if KEY version=N|exists|absent|value=TEXT|nothing [show]
//	get KEY [version-only]
//	put KEY VALUE [identity=TEXT]
//	append KEY VALUE [identity=TEXT]
//	delete KEY
//	nothing
//
// A VALUE "-" is empty.
func parseTransaction(t *testing.T, lines []string) *api.TransactionRequest {
	req := &api.TransactionRequest{}
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		fields = append(fields, "", "", "")
		switch key := fields[1]; fields[0] {
		case "partition":
			req.PartitionKey = &key
		case "if":
			req.Conditions = append(req.Conditions, parseCondition(t, key, fields[2], fields[3] == "show"))
		case "nothing":
			req.Operations = append(req.Operations, &api.TransactionOperation{})
		default:
			req.Operations = append(req.Operations, parseTransactionOperation(t, fields))
		}
	}
	return req
}

func parseCondition(t *testing.T, key, expected string, show bool) *api.TransactionCondition {
	c := &api.TransactionCondition{Key: key}
	switch name, value, _ := strings.Cut(expected, "="); name {
	case "version":
		c = ifVersion(key, *number(t, map[string]string{"version": value}, "version"))
	case "exists", "absent":
		c = ifExists(key, name == "exists")
	case "value":
		c = ifValue(key, value)
	case "nothing":
	default:
		t.Fatalf("bad condition %q", expected)
	}
	c.IncludeValue = show
	return c
}

func parseTransactionOperation(t *testing.T, fields []string) *api.TransactionOperation {
	key, value := fields[1], strings.TrimPrefix(fields[2], "-")
	var identity *string
	if text, given := strings.CutPrefix(fields[3], "identity="); given {
		identity = &text
	}
	var op *api.TransactionOperation
	switch fields[0] {
	case "get":
		op = doGet(key)
		op.GetGet().IncludeValue = value != "version-only"
	case "put":
		op = doPut(key, value)
		op.GetPut().ClientIdentity = identity
	case "append":
		op = doAppend(key, value)
		op.GetAppend().ClientIdentity = identity
	case "delete":
		op = doDelete(key)
	default:
		t.Fatalf("bad operation %q", fields)
	}
	return op
}

func describeTransaction(res *api.TransactionResponse) string {
	if res == nil {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "  %s", res.GetStatus())
	if res.FailedCondition != nil {
		fmt.Fprintf(&out, " condition %d: %s", res.GetFailedCondition(), describeRecord(res.GetFailedRecord()))
	}
	if res.FailedOperation != nil {
		fmt.Fprintf(&out, " operation %d", res.GetFailedOperation())
	}
	out.WriteByte('\n')
	for _, record := range res.GetResults() {
		fmt.Fprintf(&out, "  %s\n", describeRecord(record))
	}
	return out.String()
}

func describeRecord(r *api.TransactionRecord) string {
	switch {
	case r.GetVersion() == nil:
		return "no record"
	case r.Value == nil:
		return describeVersion(r.GetVersion())
	}
	return fmt.Sprintf("%q %s", r.GetValue(), describeVersion(r.GetVersion()))
}

func ifVersion(key string, id int64) *api.TransactionCondition {
	return &api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_VersionId{VersionId: id}}
}

func ifExists(key string, exists bool) *api.TransactionCondition {
	return &api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_Exists{Exists: exists}}
}

func ifValue(key, value string) *api.TransactionCondition {
	return &api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_Value{Value: []byte(value)}}
}

func doGet(key string) *api.TransactionOperation {
	get := &api.TransactionGet{Key: key, IncludeValue: true}
	return &api.TransactionOperation{Operation: &api.TransactionOperation_Get{Get: get}}
}

func doPut(key, value string) *api.TransactionOperation {
	put := &api.TransactionPut{Key: key, Value: []byte(value)}
	return &api.TransactionOperation{Operation: &api.TransactionOperation_Put{Put: put}}
}

func doAppend(key, value string) *api.TransactionOperation {
	add := &api.TransactionAppend{Key: key, Value: []byte(value)}
	return &api.TransactionOperation{Operation: &api.TransactionOperation_Append{Append: add}}
}

func doDelete(key string) *api.TransactionOperation {
	del := &api.TransactionDelete{Key: key}
	return &api.TransactionOperation{Operation: &api.TransactionOperation_Delete{Delete: del}}
}

func mustTransaction(req *api.TransactionRequest) []byte {
	body, err := proto.Marshal(req)
	if err != nil {
		panic(err)
	}
	return TransactionPayload(body)
}
