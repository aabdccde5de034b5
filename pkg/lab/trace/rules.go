// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// longest is ten years in seconds. A time beyond it is none since the start of a trace, but since 1970.
	longest = 10 * 365 * 86400
	// most is 1 PiB in bytes, more than any machine has: what is larger is in another unit.
	most = 1 << 50
)

// checkText returns what is wrong with a text of series.csv: such texts are printed, and compared byte by byte.
func checkText(text string) []string {
	switch {
	case !utf8.ValidString(text):
		return []string{"want UTF-8"}
	case strings.ContainsFunc(text, unicode.IsControl):
		return []string{"want no control characters, such as the end of a line"}
	}
	return nil
}

// checkLife returns what is wrong with a start and an end.
func checkLife(start, end float64) error {
	if end >= 0 && end <= start {
		return fmt.Errorf("want an end after the start, which is %s, or nothing for a series without an end", seconds(start))
	}
	return nil
}

// checkNext returns what is wrong with a sample at second t that follows the others of a series.
func (s *Series) checkNext(times []float64, t float64) error {
	switch {
	case t < s.Start:
		return fmt.Errorf("the series starts at %s: want its samples within life", seconds(s.Start))
	case s.End >= 0 && t >= s.End:
		return fmt.Errorf("the series ends at %s, exclusive: want its samples within life", seconds(s.End))
	case len(times) == 0 || times[len(times)-1] < t:
		return nil
	case times[len(times)-1] == t:
		return fmt.Errorf("the series has a sample at %s already: want one at a time", seconds(t))
	}
	return fmt.Errorf("the sample before it is at %s: want times that ascend", seconds(times[len(times)-1]))
}

// check returns what keeps a series from being written.
func (s *Series) check() error {
	if s.ID == "" || s.RequestSource == "" {
		return errors.New("want an id and a request source")
	}
	for name, text := range s.texts() {
		if problems := checkText(text); len(problems) > 0 {
			return fmt.Errorf("%s %q: %s", name, text, problems[0])
		}
	}
	if s.RequestBytes < 0 || s.RequestBytes > most {
		return fmt.Errorf("%s %d: want from 0 to %d", requestColumn, s.RequestBytes, int64(most))
	}
	if err := checkLimit(s.Extra[LimitColumn]); err != nil {
		return err
	}
	if !isTime(s.Start) || s.End >= 0 && !isTime(s.End) || math.IsNaN(s.End) {
		return fmt.Errorf("a life from %v to %v: want seconds from 0 to %d", s.Start, s.End, longest)
	}
	if err := checkLife(s.Start, s.End); err != nil {
		return fmt.Errorf("%s %s: %w", endColumn, seconds(s.End), err)
	}
	return s.checkSamples()
}

// checkLimit returns what is wrong with a limit; an empty one is not known.
func checkLimit(text string) error {
	if bytes, err := strconv.ParseUint(text, 10, 64); text != "" && (err != nil || bytes > most) {
		return fmt.Errorf("%s %q: want a whole number from 0 to %d", LimitColumn, text, int64(most))
	}
	return nil
}

func (s *Series) checkSamples() error {
	if len(s.Times) != len(s.Bytes) {
		return fmt.Errorf("%d times and %d figures: want as many", len(s.Times), len(s.Bytes))
	}
	for i, t := range s.Times {
		if !isTime(t) {
			return fmt.Errorf("sample %d is at %v: want seconds from 0 to %d", i, t, longest)
		}
		if err := s.checkNext(s.Times[:i], t); err != nil {
			return fmt.Errorf("sample %d at %s: %w", i, seconds(t), err)
		}
		if s.Bytes[i] < 0 || s.Bytes[i] > most {
			return fmt.Errorf("sample %d at %s holds %d bytes: want from 0 to %d", i, seconds(t), s.Bytes[i], int64(most))
		}
	}
	return nil
}

// texts are the fields that are no numbers, by column.
func (s *Series) texts() map[string]string {
	texts := map[string]string{idColumn: s.ID, sourceColumn: s.RequestSource}
	maps.Copy(texts, s.Extra)
	return texts
}

// isTime refuses what is not a number, too.
func isTime(t float64) bool { return t >= 0 && t <= longest }

// seconds writes a time such that reading gives the same.
func seconds(t float64) string { return strconv.FormatFloat(t, 'f', -1, 64) }
