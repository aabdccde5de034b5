// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// pageWidth is the width of a terminal that text is made for. Wide pages are as wide as their lines.
const pageWidth = 80

// page is text in the making.
type page struct {
	text    strings.Builder
	wide    bool
	headers bool
	colored bool
}

// Colours of a terminal. What they say is in the words too.
const (
	red   = "31"
	green = "32"
	bold  = "1"
)

func (p *page) paint(color, text string) string {
	if !p.colored || text == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// line writes a line.
func (p *page) line(format string, arguments ...any) {
	fmt.Fprintf(&p.text, format+"\n", arguments...)
}

// gap writes an empty line, unless the page is empty.
func (p *page) gap() {
	if p.text.Len() > 0 {
		p.text.WriteString("\n")
	}
}

// width is how long lines may be, in characters.
func (p *page) width() int {
	if p.wide {
		return 1 << 20
	}
	return pageWidth
}

// painted writes words in a colour.
func (p *page) painted(color, words string) {
	for _, line := range wrapped(words, p.width()) {
		p.line("%s", p.paint(color, line))
	}
}

// paragraph writes words after a head, and further lines below the first word.
func (p *page) paragraph(head, words string) {
	indent := utf8.RuneCountInString(head)
	for i, line := range wrapped(words, p.width()-indent) {
		if i > 0 {
			head = strings.Repeat(" ", indent)
		}
		p.text.WriteString(strings.TrimRight(head+line, " ") + "\n")
	}
}

// wrapped breaks words into lines of at most so many characters; a longer word has a line of its own.
func wrapped(words string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(words) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// table is rows under headers. Columns whose header begins with ">" are aligned to the right.
type table struct {
	headers []string
	rows    [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// leastColumn is what names are shortened to at most, in characters.
const leastColumn = 12

// narrow takes characters off the widest columns that are aligned to the left, which are names, until a row fits the page.
func narrow(widths []int, right []bool) {
	over := 2*(len(widths)-1) - pageWidth
	for _, width := range widths {
		over += width
	}
	for ; over > 0; over-- {
		widest := -1
		for i, width := range widths {
			if !right[i] && width > leastColumn && (widest < 0 || width > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
	}
}

// table writes a table, its columns two spaces apart.
func (p *page) table(t *table) {
	rows := t.rows
	right := make([]bool, len(t.headers))
	header := make([]string, len(t.headers))
	for i, name := range t.headers {
		header[i], right[i] = strings.CutPrefix(name, ">")
	}
	if p.headers {
		rows = append([][]string{header}, rows...)
	}
	widths := make([]int, len(header))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	if !p.wide {
		narrow(widths, right)
	}
	for at, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i])
			fill := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right[i] {
				cell = fill + cell
			} else {
				cell += fill
			}
			if i > 0 {
				line.WriteString("  ")
			}
			line.WriteString(cell)
		}
		text := strings.TrimRight(line.String(), " ")
		if p.headers && at == 0 {
			text = p.paint(bold, text)
		}
		p.text.WriteString(text + "\n")
	}
}

// indented is JSON that a reader can read.
func indented(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(value)
	return out.Bytes(), err
}
