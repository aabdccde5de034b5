// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// A date is in whole seconds, and somewhere between question and answer.
func TestDatesTellByHowMuchTheClockIsAheadAtLeast(t *testing.T) {
	date := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name            string
		asked, answered time.Duration // after the date
		want            time.Duration
	}{
		{"within the second", 200 * time.Millisecond, 900 * time.Millisecond, 0},
		{"asked before it, answered after it", -3 * time.Second, 2 * time.Second, 0},
		{"ahead", 61 * time.Second, 62 * time.Second, time.Minute},
		{"behind", -62 * time.Second, -time.Minute, -time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &dates{}
			d.compare(date.Add(test.asked), date, date.Add(test.answered))
			if !d.known || d.ahead != test.want {
				t.Errorf("ahead by %s, known: %t; want %s", d.ahead, d.known, test.want)
			}
		})
	}
	t.Run("the answer that says least counts", func(t *testing.T) {
		d := &dates{}
		for _, after := range []time.Duration{11 * time.Second, 6 * time.Second, 8 * time.Second} {
			d.compare(date.Add(after), date, date.Add(after))
		}
		if d.ahead != 5*time.Second {
			t.Errorf("ahead by %s, want 5s", d.ahead)
		}
	})
}

func TestTheClockIsComparedWithTheServers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		response.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		http.NotFound(response, nil)
	}))
	t.Cleanup(server.Close)
	c, err := Open(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, known := c.ClockAhead(); known {
		t.Error("the server's clock is known before it was asked")
	}
	if _, err := c.Client.CoreV1().Nodes().Get(t.Context(), "n", metav1.GetOptions{}); err == nil {
		t.Fatal("want an answer that there is none")
	}
	if ahead, known := c.ClockAhead(); !known || ahead < 59*time.Minute || ahead > 61*time.Minute {
		t.Errorf("ahead by %s, known: %t; want an hour", ahead, known)
	}
}
