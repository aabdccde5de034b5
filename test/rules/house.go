// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// houseFile has the picture of the house: a folder a line, two spaces deeper than the one that it is in.
const houseFile = "CONTRIBUTING.md"

// CheckHouse reports packages of pkg that the picture of the house does not have, and folders in it that there are not. The folders below
// apis/config, and the plugins, are told of as one.
func CheckHouse(files []File) []Finding {
	folders := map[string]bool{}
	picture := ""
	for _, file := range files {
		if file.Path == houseFile {
			picture = file.Text
		}
		for dir := path.Dir(file.Path); dir != "."; dir = path.Dir(dir) {
			folders[dir] = true
		}
	}
	shown := house(picture)
	var findings []Finding
	for _, dir := range slices.Sorted(maps.Keys(shown)) {
		if !folders[dir] {
			findings = append(findings, findingf(houseFile, "the house has %s, which is not there", dir))
		}
	}
	missing := map[string]bool{}
	for _, file := range files {
		dir := path.Dir(file.Path)
		if !within(dir, "pkg") || !isGo(file) || shown[dir] || missing[dir] || within(dir, "pkg/apis/config") || path.Dir(dir) == "pkg/plugins" {
			continue
		}
		missing[dir] = true
		findings = append(findings, findingf(houseFile, "the house lacks %s: say what it is for", dir))
	}
	return findings
}

// house returns the folders of the picture, by their paths.
func house(picture string) map[string]bool {
	line := regexp.MustCompile(`^( *)([\w-]+)/(\s|$)`)
	shown := map[string]bool{}
	var above []string
	for text := range strings.Lines(picture) {
		match := line.FindStringSubmatch(text)
		if match == nil {
			continue
		}
		depth := min(len(match[1])/2, len(above))
		above = append(above[:depth:depth], match[2])
		shown[path.Join(above...)] = true
	}
	return shown
}
