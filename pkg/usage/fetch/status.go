// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxMessageBytes is how much of the body of a refusal is read for its message.
	maxMessageBytes = 4 << 10
	// maxTextRunes is how much of a text of the server an error repeats.
	maxTextRunes = 200
)

// StatusError is an answer other than 200.
type StatusError struct {
	// Code is the HTTP status, 100 to 999.
	Code int
	// Message is what the server said, if it said it in a form known to us; cut to maxTextRunes.
	Message string

	wait time.Duration
}

// RetryAfter is how long the server wants to be left alone. 0: it did not say.
func (e *StatusError) RetryAfter() time.Duration { return e.wait }

// Error says what the server answered and what may be done about it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("the server answered %d %s", e.Code, http.StatusText(e.Code))
	if e.Message != "" {
		text += fmt.Sprintf(" (%q)", e.Message)
	}
	return text + advice(e.Code)
}

func advice(code int) string {
	switch {
	case code >= 300 && code < 400:
		return ": redirects are not followed, they could carry credentials elsewhere; configure the final address"
	case code == http.StatusUnauthorized:
		return ": the credentials are missing, expired or of no use here"
	case code == http.StatusForbidden:
		return ": the credentials lack the right to read this; grant it"
	case code == http.StatusNotFound:
		return ": nothing serves this path; is the server installed, and the address right?"
	}
	return ""
}

func newStatusError(response *http.Response, body io.Reader, now time.Time) *StatusError {
	return &StatusError{
		Code:    response.StatusCode,
		Message: message(response.Header.Get("Content-Type"), body),
		wait:    retryAfter(response.Header.Get("Retry-After"), now),
	}
}

// message finds the reason in a Status of Kubernetes and in an error of Prometheus. Nothing else is repeated: a page of
// HTML says little and may say too much.
func message(contentType string, body io.Reader) string {
	if mediaType, _, err := mime.ParseMediaType(contentType); err != nil || mediaType != "application/json" {
		return ""
	}
	text, err := io.ReadAll(io.LimitReader(body, maxMessageBytes))
	if err != nil {
		return ""
	}
	var said struct{ Message, Error string }
	if err := json.Unmarshal(text, &said); err != nil {
		return ""
	}
	if said.Message == "" {
		said.Message = said.Error
	}
	return cut(said.Message)
}

// retryAfter reads a Retry-After header: seconds, or a date.
func retryAfter(header string, now time.Time) time.Duration {
	header = strings.TrimSpace(header)
	if seconds, err := strconv.ParseInt(header, 10, 32); err == nil {
		return max(time.Duration(seconds)*time.Second, 0)
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}

// cut shortens a text of the server for an error.
func cut(text string) string {
	runes := []rune(text[:min(len(text), maxMessageBytes)])
	if len(runes) <= maxTextRunes {
		return string(runes)
	}
	return string(runes[:maxTextRunes]) + "..."
}
