package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// State streams the newest certified state that the node has, in the form of docs/spec/storage.md: a folder can begin with
// it. A stream that ends early is an error of a read, or of whoever decodes it. The caller closes it.
func (c *Client) State(ctx context.Context) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+"/state", nil)
	if err != nil {
		return nil, err
	}
	c.Authorize(req.Header)
	resp, err := c.HTTP().Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for a state: %w", err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Body, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 400))
	return nil, fmt.Errorf("ask for a state: %s: %s", resp.Status, strings.TrimSpace(string(text)))
}
