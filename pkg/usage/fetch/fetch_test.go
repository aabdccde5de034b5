// SPDX-License-Identifier: Apache-2.0

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/usage/fetch"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// get asks a server that runs handler, with at most 1000 bytes of JSON, and reads to the end.
func get(t *testing.T, clock *clocktesting.FakeClock, handler http.HandlerFunc) (string, error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	address, err := url.Parse(server.URL + "/some/path?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	client := fetch.New(transport, fetch.Options{MaxBytes: 1000, Stall: 10 * time.Second, Clock: clock})
	body, err := client.Get(t.Context(), address, "application/json")
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

func respond(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for {
		if _, err := w.Write([]byte("[")); err != nil {
			return
		}
	}
}

func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", "500")
	fmt.Fprint(w, `{"half":`)
}

func TestAnswers(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	const json = "application/json"
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
		// wantError is part of the error; "": none.
		wantError string
	}{
		{"good", respond(200, json+"; charset=utf-8", "{}"), "{}", ""},
		{"exactly as much as is allowed", respond(200, json, strings.Repeat("1", 1000)), strings.Repeat("1", 1000), ""},
		{"one byte more", respond(200, json, strings.Repeat("1", 1001)), "", "the body has more than 1000 bytes"},
		{"endless", endless, "", "the body has more than 1000 bytes"},
		{"cut off", cutOff, "", "the body was cut off"},
		{"HTML", respond(200, "text/html", "<html>"), "", `the answer is of type "text/html", want application/json`},
		{"no type", respond(200, "", "{}"), "", `the answer is of type "", want application/json`},
		{"compressed unasked", respond(200, json, "{}", "Content-Encoding", "br"), "", `encoded as "br"`},
		{"moved", respond(302, json, "", "Location", "http://192.0.2.1/"), "", "redirects are not followed"},
		{"not found", respond(404, "text/plain", "404"), "", "404 Not Found: nothing serves this path"},
		{"forbidden, with a reason", respond(403, json, `{"kind":"Status","message":"nodes is forbidden"}`), "", `403 Forbidden ("nodes is forbidden"): the credentials lack`},
		{"an error of Prometheus", respond(422, json, `{"status":"error","error":"too many samples"}`), "", `("too many samples")`},
		{"a page of HTML is not repeated", respond(503, "text/html", `<p>secret</p>`), "", "the server answered 503 Service Unavailable"},
		{"a reason that goes on and on is not", respond(500, json, `{"message":"`+strings.Repeat("x", 10_000)+`"}`), "", "the server answered 500 Internal Server Error"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := get(t, clocktesting.NewFakeClock(now), test.handler)
			if test.wantError == "" {
				if err != nil || got != test.want {
					t.Errorf("got %q, %v, want %q", got, err, test.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wantError) {
				t.Fatalf("the error is %v, want one with %q", err, test.wantError)
			}
			if !strings.HasPrefix(err.Error(), "GET http://127.0.0.1:") || !strings.Contains(err.Error(), "/some/path") {
				t.Errorf("the error does not begin with the address: %v", err)
			}
			if strings.Contains(err.Error(), "secret") || len(err.Error()) > 400 {
				t.Errorf("the error tells too much: %v", err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, test := range []struct {
		name, header string
		want         time.Duration
	}{
		{"seconds", "120", 2 * time.Minute},
		{"a date", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"a date that is past", now.Add(-time.Minute).Format(http.TimeFormat), 0},
		{"nothing", "", 0},
		{"less than nothing", "-5", 0},
		{"no number", "soon", 0},
		{"more than a number holds", "99999999999999999999", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := get(t, clocktesting.NewFakeClock(now), respond(429, "text/plain", "", "Retry-After", test.header))
			var status *fetch.StatusError
			if !errors.As(err, &status) || status.Code != 429 || status.RetryAfter() != test.want {
				t.Errorf("the error is %v (%+v), want 429 with %s", err, status, test.want)
			}
		})
	}
}

func TestASilentServerIsGivenUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, test := range []struct {
		name  string
		begin func(http.ResponseWriter)
	}{
		{"before its answer", func(http.ResponseWriter) {}},
		{"within its answer", func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, "[1,")
			_ = http.NewResponseController(w).Flush()
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			clock := clocktesting.NewFakeClock(now)
			begun, done := make(chan struct{}), make(chan error)
			go func() {
				_, err := get(t, clock, func(w http.ResponseWriter, request *http.Request) {
					test.begin(w)
					close(begun)
					<-request.Context().Done()
				})
				done <- err
			}()
			<-begun
			clock.Step(10 * time.Second)
			var err error
			for waiting := true; waiting; { // a read that came in between started the time anew
				select {
				case err = <-done:
					waiting = false
				default:
					runtime.Gosched()
					if clock.HasWaiters() {
						clock.Step(10 * time.Second)
					}
				}
			}
			if err == nil || !strings.Contains(err.Error(), "the server sent nothing for 10s") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAnAnswerEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	server := httptest.NewServer(http.HandlerFunc(endless))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	body, err := fetch.New(transport, fetch.Options{}).Get(ctx, address, "application/json")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := body.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	reason := errors.New("the scheduler ends")
	cancel(reason)
	if _, err := io.Copy(io.Discard, body); !errors.Is(err, reason) {
		t.Errorf("the error is %v, want %v", err, reason)
	}
}
