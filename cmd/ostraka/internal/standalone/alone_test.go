package standalone

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
)

// Whatever stands between, a client is sent to where it came from.
func TestClientsAreSentToTheAddressByWhichTheyCame(t *testing.T) {
	service, err := Start(t.Context(), inMemory())
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	for authority, want := range map[string]string{
		"db.example.com:6648": "db.example.com:6648",
		"no-port":             service.PublicAddress(),
	} {
		conn, err := grpc.NewClient("passthrough:///"+service.PublicAddress(), grpc.WithAuthority(authority),
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			t.Fatal(err)
		}
		shards, err := assignments(t.Context(), api.NewOxiaClientClient(conn))
		if err != nil || len(shards) != 2 {
			t.Fatalf("%v, %v", shards, err)
		}
		for _, shard := range shards {
			if shard.GetLeader() != want {
				t.Errorf("%s was sent to %s, want %s", authority, shard.GetLeader(), want)
			}
		}
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A service that is closed under load loses nothing that it has acknowledged, and writes
// nothing that it has refused.
func TestACloseUnderLoad(t *testing.T) {
	o := inDirectory(t.TempDir())
	service, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(t.Context(), service.PublicAddress(), client.WithRequestTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	const writers = 8
	var writing sync.WaitGroup
	// The last write of each that was acknowledged, and whether the next is in doubt:
	// on a slow machine a client may give up before it was answered.
	var acked [writers]atomic.Int64
	var doubt [writers]atomic.Bool
	enough := make(chan struct{})
	var once sync.Once
	for w := range writers {
		writing.Go(func() {
			for i := int64(1); ; i++ {
				_, err := c.Put(t.Context(), fmt.Sprint("writer/", w), fmt.Append(nil, i))
				if err != nil {
					doubt[w].Store(errors.Is(err, client.ErrUnknownOutcome))
					return
				}
				if acked[w].Store(i); i == 20 {
					once.Do(func() { close(enough) })
				}
			}
		})
	}
	<-enough
	if err := service.Close(); err != nil {
		t.Error(err)
	}
	writing.Wait()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	with(t, o, func(ctx context.Context, c *client.Client) {
		for w := range writers {
			got, err := c.Get(ctx, fmt.Sprint("writer/", w))
			last := acked[w].Load()
			next := doubt[w].Load() && string(got.Value) == fmt.Sprint(last+1)
			if errors.Is(err, client.ErrKeyNotFound) && last == 0 {
				continue
			}
			if err != nil || string(got.Value) != fmt.Sprint(last) && !next {
				t.Errorf("writer %d: %q, %v; %d was acknowledged", w, got.Value, err, last)
			}
		}
	})
}
