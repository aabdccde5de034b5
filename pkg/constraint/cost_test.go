// SPDX-License-Identifier: Apache-2.0

package constraint_test

import (
	"runtime"
	"testing"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

func TestTheIndexOfALargeClusterTakesLessThan64MiB(t *testing.T) {
	const most = 64 << 20
	used := func() int64 {
		runtime.GC()
		runtime.GC() // Only the second one frees what pools of other tests held.
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	nodes := fleet(15_000, 30)
	before := used()
	index := constraint.NewIndex()
	index.Sync(nodes)
	took := used() - before
	t.Logf("%.1f MiB", float64(took)/(1<<20))
	if took <= 0 || took > most {
		t.Errorf("15,000 nodes of 30 labels take %d bytes, want less than %d", took, most)
	}
	runtime.KeepAlive(index)
	runtime.KeepAlive(nodes)
}
