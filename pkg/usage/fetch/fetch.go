// SPDX-License-Identifier: Apache-2.0

// Package fetch gets one answer over HTTP from a server that may be broken: too large, endless, silent, of another kind
// than asked for, or a redirect to somewhere else. Each of these is an error, and the memory and time it takes are bounded.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/utils/clock"
)

const (
	// DefaultMaxBytes is the most that a body may have: some times the 150,000 pods of the largest clusters as JSON.
	DefaultMaxBytes = 512 << 20
	// DefaultStall is how long a server may send nothing, before its answer and within it.
	DefaultStall = 15 * time.Second
)

// Options bound an answer.
type Options struct {
	// MaxBytes of a body, after decompression. 0: DefaultMaxBytes.
	MaxBytes int64
	// Stall is how long the server may send nothing. 0: DefaultStall.
	Stall time.Duration
	// Clock for Stall. nil: the real one.
	Clock clock.WithDelayedExecution
}

// Client gets answers. It follows no redirect: a transport adds credentials to every request, and a redirect could carry
// them to another host.
type Client struct {
	http    *http.Client
	options Options
}

// New returns a client that sends by transport.
func New(transport http.RoundTripper, options Options) *Client {
	if options.MaxBytes == 0 {
		options.MaxBytes = DefaultMaxBytes
	}
	if options.Stall == 0 {
		options.Stall = DefaultStall
	}
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Client{
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
		options: options,
	}
}

// Body is the body of a good answer. It must be closed. An error of Read names the address, never what came after its "?".
type Body struct {
	// MediaType of the answer, without parameters, in lower case.
	MediaType string

	where  string
	body   io.ReadCloser
	ctx    context.Context // has the reason why a read was ended
	cancel context.CancelCauseFunc
	timer  clock.Timer
	stall  time.Duration
	limit  int64
	left   int64
}

// Get asks for address and accepts an answer 200 of one of the media types, the one it likes best first. The error is a
// *StatusError for any other status. The answer ends when ctx does.
func (c *Client) Get(ctx context.Context, address *url.URL, mediaTypes ...string) (*Body, error) {
	where := "GET " + address.Scheme + "://" + address.Host + address.EscapedPath()
	ctx, cancel := context.WithCancelCause(ctx)
	body := &Body{where: where, ctx: ctx, cancel: cancel, stall: c.options.Stall, limit: c.options.MaxBytes, left: c.options.MaxBytes}
	body.timer = c.options.Clock.AfterFunc(c.options.Stall, func() {
		cancel(fmt.Errorf("the server sent nothing for %s", c.options.Stall))
	})
	response, err := c.send(ctx, address, mediaTypes) //nolint:bodyclose // Body.Close does
	if err != nil {
		err = body.explain(err)
		body.end()
		return nil, err
	}
	body.body = response.Body
	if err := body.check(response, mediaTypes, c.options.Clock.Now()); err != nil {
		body.Close()
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return body, nil
}

func (c *Client) send(ctx context.Context, address *url.URL, mediaTypes []string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", strings.Join(mediaTypes, ", "))
	return c.http.Do(request)
}

// check refuses an answer that is not what was asked for.
func (b *Body) check(response *http.Response, mediaTypes []string, now time.Time) error {
	if response.StatusCode != http.StatusOK {
		return newStatusError(response, b, now)
	}
	if encoding := response.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return fmt.Errorf("the answer is encoded as %q, which was not asked for", cut(encoding))
	}
	header := response.Header.Get("Content-Type")
	mediaType, _, err := mime.ParseMediaType(header)
	if err != nil || !slices.Contains(mediaTypes, mediaType) {
		return fmt.Errorf("the answer is of type %q, want %s: is this the address of the right server, without a login page or a proxy before it?",
			cut(header), strings.Join(mediaTypes, " or "))
	}
	b.MediaType = mediaType
	return nil
}

// Read reads the next bytes. It fails when the body has more than the limit, and when the server stays silent for too long.
func (b *Body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if b.left < 0 {
		return 0, b.tooLarge()
	}
	// One byte more than is left tells a body that ends at the limit from one that goes on.
	n, err := b.body.Read(p[:min(int64(len(p)), b.left+1)])
	if n > 0 && b.ctx.Err() == nil {
		b.timer.Reset(b.stall)
	}
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.tooLarge()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.explain(err)
	}
	return n, err
}

func (b *Body) tooLarge() error {
	return fmt.Errorf("%s: the body has more than %d bytes; it was not read further", b.where, b.limit)
}

// explain says why a request or a read ended: the reason of the context rather than that there was one.
func (b *Body) explain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok { // its text has the whole address
		err = wrapped.Err
	}
	if cause := context.Cause(b.ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the body was cut off: %w", err)
	}
	return fmt.Errorf("%s: %w", b.where, err)
}

// Close ends the request, also when the body was not read to its end.
func (b *Body) Close() {
	b.end()
	_ = b.body.Close()
}

func (b *Body) end() {
	b.timer.Stop()
	b.cancel(nil)
}

// CloseIdleConnections closes connections that no answer uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }
