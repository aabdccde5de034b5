// SPDX-License-Identifier: Apache-2.0

package cases

// Group is the cases of one configuration, in order.
type Group struct {
	Config string // as in Case
	Cases  []Case
}

// Groups sorts cases by their configuration: a scheduler is started once for each.
func Groups(files []File) []Group {
	var groups []Group
	index := map[string]int{}
	for _, file := range files {
		for _, c := range file.Cases {
			i, known := index[c.Config]
			if !known {
				i = len(groups)
				index[c.Config] = i
				groups = append(groups, Group{Config: c.Config})
			}
			groups[i].Cases = append(groups[i].Cases, c)
		}
	}
	return groups
}
