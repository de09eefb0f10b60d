package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// etcdURL is where etcd serves.
func (c *ControlPlane) etcdURL() string { return "http://127.0.0.1:" + strconv.Itoa(c.etcdPort) }

// Compact has etcd forget all versions of objects but the present ones, as it does
// every few minutes: whoever wants to be told what happened since an earlier one cannot.
func (c *ControlPlane) Compact(ctx context.Context) error {
	var now struct {
		Header struct {
			Revision string `json:"revision"`
		} `json:"header"`
	}
	// The key is "a", in base64; only the header matters.
	if err := c.ask(ctx, "/v3/kv/range", `{"key":"YQ=="}`, &now); err != nil {
		return err
	}
	return c.ask(ctx, "/v3/kv/compaction", fmt.Sprintf(`{"revision":%q,"physical":true}`, now.Header.Revision), &struct{}{})
}

// ask makes a call of etcd.
func (c *ControlPlane) ask(ctx context.Context, path, question string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.etcdURL()+path, bytes.NewBufferString(question))
	if err != nil {
		return fmt.Errorf("ask etcd: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask etcd: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	err = json.NewDecoder(response.Body).Decode(answer)
	if response.StatusCode != http.StatusOK {
		err = errors.Join(errors.New(response.Status), err)
	}
	if err != nil {
		return fmt.Errorf("ask etcd for %s: %w", path, err)
	}
	return nil
}
