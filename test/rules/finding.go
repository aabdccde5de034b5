// SPDX-License-Identifier: Apache-2.0

package rules

import "fmt"

// Finding is one breach of a rule.
type Finding struct {
	// Where is a file, a file and line, or a package.
	Where string
	// What was found and what to do about it.
	What string
}

// String renders the finding as "where: what".
func (f Finding) String() string { return f.Where + ": " + f.What }

func findingf(where, format string, args ...any) Finding {
	return Finding{Where: where, What: fmt.Sprintf(format, args...)}
}
