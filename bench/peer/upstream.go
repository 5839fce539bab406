package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// upstream is the Okta API as far as the bare job needs it.
type upstream struct {
	base  string
	token string
	http  *http.Client
}

type user struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// newUpstream keeps one connection a worker: with net/http's own default of two, most calls would open a new one.
func newUpstream(base, token string, workers int) *upstream {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.MaxIdleConnsPerHost = workers
	return &upstream{base: base, token: token, http: &http.Client{Transport: transport, Timeout: 8 * time.Second}}
}

// read finds an account by login.
func (u *upstream) read(ctx context.Context, login string) (user, error) {
	var found user
	err := u.call(ctx, http.MethodGet, "/api/v1/users/"+url.PathEscape(login), &found)
	return found, err
}

// unlock clears the lock of an account.
func (u *upstream) unlock(ctx context.Context, id string) error {
	return u.call(ctx, http.MethodPost, "/api/v1/users/"+url.PathEscape(id)+"/lifecycle/unlock", nil)
}

func (u *upstream) call(ctx context.Context, method, path string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, u.base+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "SSWS "+u.token)
	request.Header.Set("Accept", "application/json")
	response, err := u.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s answered %s: %s", method, path, response.Status, body)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(body, answer)
}
