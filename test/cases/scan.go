// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	end         tokenKind = iota // of the statement
	word                         // text without spaces and punctuation
	quoted                       // text in double quotes: a plain value, never a keyword
	punctuation                  // one of ( ) , = :
)

const punctuationMarks = "(),=:"

type token struct {
	kind tokenKind
	text string // of a quoted token: what stands between the quotes
	at   Position
}

func (t token) String() string {
	if t.kind == end {
		return "the end of the statement"
	}
	return strconv.Quote(t.text)
}

func (t token) is(text string) bool { return t.kind != quoted && t.kind != end && t.text == text }

// statement is a line with the indented lines that continue it.
type statement struct {
	tokens []token // ends with a token of kind end
	title  string  // of a case: the rest of the line as it stands
}

// scan splits a text into statements. The first fault ends it.
func scan(file, text string) ([]statement, *Error) {
	var statements []statement
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		at := Position{File: file, Line: number + 1, Column: 1}
		tokens, err := scanLine(at, line)
		if err != nil {
			return nil, err
		}
		if len(tokens) == 0 {
			continue
		}
		if tokens[0].at.Column > 1 {
			if len(statements) == 0 || statements[len(statements)-1].title != "" {
				return nil, &Error{tokens[0].at, fmt.Sprintf("found an indented %s: it continues no statement; begin it at the start of the line", tokens[0])}
			}
			last := &statements[len(statements)-1]
			last.tokens = append(last.tokens, tokens...)
			continue
		}
		current := statement{tokens: tokens}
		if tokens[0].is("case") {
			current.title = strings.TrimSpace(strings.TrimPrefix(line, "case"))
			if current.title == "" {
				return nil, &Error{tokens[0].at, "found case without a title: say on the same line what the case shows"}
			}
			current.tokens = tokens[:1]
		}
		statements = append(statements, current)
	}
	for i := range statements {
		last := statements[i].tokens[len(statements[i].tokens)-1]
		after := last.at
		after.Column += utf8.RuneCountInString(last.text)
		statements[i].tokens = append(statements[i].tokens, token{kind: end, at: after})
	}
	return statements, nil
}

// scanLine returns the tokens of one line. In the line of a case only the keyword is a token.
func scanLine(at Position, line string) ([]token, *Error) {
	if offset := invalidUTF8(line); offset >= 0 {
		at.Column += utf8.RuneCountInString(line[:offset])
		return nil, &Error{at, fmt.Sprintf("found byte %#x: the text must be UTF-8", line[offset])}
	}
	var tokens []token
	for rest := line; rest != ""; {
		next, size, err := scanToken(at, rest)
		if err != nil {
			return nil, err
		}
		if next.kind != end {
			tokens = append(tokens, next)
		}
		if len(tokens) == 1 && at.Column == 1 && next.is("case") {
			return tokens, nil
		}
		at.Column += utf8.RuneCountInString(rest[:size])
		rest = rest[size:]
	}
	return tokens, nil
}

// scanToken returns the token that text begins with and its size in bytes. Space and comments are of kind end.
func scanToken(at Position, text string) (token, int, *Error) {
	first, size := utf8.DecodeRuneInString(text)
	switch {
	case first == ' ' || first == '\t':
		return token{}, size, nil
	case first == '#':
		return token{}, len(text), nil
	case strings.ContainsRune(punctuationMarks, first):
		return token{punctuation, string(first), at}, size, nil
	case first == '"':
		prefix, err := strconv.QuotedPrefix(text)
		if err != nil {
			return token{}, 0, &Error{at, `found a text that begins with " and does not end on this line: close it with "`}
		}
		value, err := strconv.Unquote(prefix)
		if err != nil || !utf8.ValidString(value) {
			return token{}, 0, &Error{at, fmt.Sprintf("found %s: escapes must give valid text", prefix)}
		}
		return token{quoted, value, at}, len(prefix), nil
	case !isWordRune(first):
		return token{}, 0, &Error{at, fmt.Sprintf("found %q: expected a word, a text in double quotes or one of %s", first, punctuationMarks)}
	}
	size = strings.IndexFunc(text, func(r rune) bool { return !isWordRune(r) })
	if size < 0 {
		size = len(text)
	}
	return token{word, text[:size], at}, size, nil
}

// isWordRune reports whether a character may stand in a word.
func isWordRune(r rune) bool {
	return unicode.IsGraphic(r) && !unicode.IsSpace(r) && r != '"' && r != '#' && !strings.ContainsRune(punctuationMarks, r)
}

// invalidUTF8 returns the offset of the first byte that is no UTF-8, or -1.
func invalidUTF8(text string) int {
	for offset := 0; offset < len(text); {
		r, size := utf8.DecodeRuneInString(text[offset:])
		if r == utf8.RuneError && size == 1 {
			return offset
		}
		offset += size
	}
	return -1
}
