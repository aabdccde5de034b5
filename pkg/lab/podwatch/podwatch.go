// SPDX-License-Identifier: Apache-2.0

// Package podwatch tells whoever follows pods what an informer sees of them.
package podwatch

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// Handler calls see with every pod that is there or changes, and with every pod that goes, deleted then, as it was last
// known. An informer that missed the deletion itself tells of it too.
func Handler(see func(pod *corev1.Pod, deleted bool)) cache.ResourceEventHandler {
	tell := func(object any, deleted bool) {
		if pod, ok := object.(*corev1.Pod); ok {
			see(pod, deleted)
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { tell(object, false) },
		UpdateFunc: func(_, object any) { tell(object, false) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			tell(object, true)
		},
	}
}
