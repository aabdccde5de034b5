// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net/http"
	"sync"
	"time"
)

// dates compares the times at which a server answered with this machine's.
type dates struct {
	mutex sync.Mutex
	known bool
	ahead time.Duration // of this machine's clock, by the answer that says least of it
}

// asking compares the date of each answer.
type asking struct {
	*dates
	next http.RoundTripper
}

func (d *dates) over(next http.RoundTripper) http.RoundTripper { return &asking{d, next} }

// RoundTrip asks, and compares.
func (a *asking) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := time.Now()
	response, err := a.next.RoundTrip(request)
	if err == nil {
		if date, wrong := http.ParseTime(response.Header.Get("Date")); wrong == nil {
			a.compare(asked, date, time.Now())
		}
	}
	return response, err
}

// compare takes in that the server, asked at one time and answering at another, said that it was date, in whole seconds.
func (d *dates) compare(asked, date, answered time.Time) {
	var ahead time.Duration
	switch end := date.Add(time.Second); {
	case asked.After(end):
		ahead = asked.Sub(end)
	case answered.Before(date):
		ahead = answered.Sub(date)
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if !d.known || ahead.Abs() < d.ahead.Abs() {
		d.known, d.ahead = true, ahead
	}
}

// ClockAhead returns by how much at least this machine's clock is ahead of the API server's, less than 0 if it is behind; known is false as
// long as the server said nothing.
func (c *Cluster) ClockAhead() (ahead time.Duration, known bool) {
	if c.dates == nil {
		return 0, false
	}
	c.dates.mutex.Lock()
	defer c.dates.mutex.Unlock()
	return c.dates.ahead, c.dates.known
}
