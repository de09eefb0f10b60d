package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

var pong = client.Want{Type: "pong", Fields: []string{"n"}}

func reply(t *testing.T, net *network.Network, to int, n int) {
	t.Helper()
	body := json.RawMessage(fmt.Sprintf(`{"type":"pong","in_reply_to":%d,"n":%d}`, to, n))
	if err := net.Send(message.Message{Src: "n0", Dest: "c0", Body: body}); err != nil {
		t.Fatal(err)
	}
}

func TestALateAnswerIsNotTakenForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}})
		net.Join("n0")
		c := client.Open(net, "c0")
		if _, err := c.Call(t.Context(), "n0", client.Body{}, pong, time.Second); !errors.Is(err, client.ErrTimeout) {
			t.Fatalf("got %v", err)
		}
		reply(t, net, 1, 1)
		reply(t, net, 2, 2)
		got, err := c.Call(t.Context(), "n0", client.Body{}, pong, time.Second)
		if err != nil || string(got["n"]) != "2" {
			t.Errorf("got %s, %v", got, err)
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}})
		net.Join("n0")
		ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
		defer stop()
		_, err := client.Open(net, "c0").Call(ctx, "n0", client.Body{}, pong, time.Hour)
		if errors.Is(err, client.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
