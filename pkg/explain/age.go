// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Age writes a time span as kubectl does its ages. What lies in the future, by another clock, is 0s old.
func Age(age time.Duration) string { return duration.HumanDuration(max(age, 0)) }
