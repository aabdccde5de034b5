// SPDX-License-Identifier: Apache-2.0

package docs

import "fmt"

// Place is a line of a file of the repository, counted from 1.
type Place struct {
	File string
	Line int
}

// String renders the place as "file:line".
func (p Place) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Problem is something in the documentation or the configuration that does not hold.
type Problem struct {
	Place Place
	What  string
}

// String renders the problem as "file:line: what".
func (p Problem) String() string { return p.Place.String() + ": " + p.What }

func problemf(place Place, format string, args ...any) Problem {
	return Problem{Place: place, What: fmt.Sprintf(format, args...)}
}
