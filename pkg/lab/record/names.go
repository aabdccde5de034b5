// SPDX-License-Identifier: Apache-2.0

package record

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
)

// names are what a trace calls things: as they are, or without telling what they are.
type names struct {
	// key is that of the hashes; nil writes names as they are.
	key []byte
	// count is how many pods have been named, and lives how many of each name.
	count int
	lives map[types.NamespacedName]int
}

func newNames(anonymize bool) (*names, error) {
	n := &names{lives: map[types.NamespacedName]int{}}
	if anonymize {
		n.key = make([]byte, sha256.Size)
		if _, err := rand.Read(n.key); err != nil {
			return nil, fmt.Errorf("a random key for the names: %w", err)
		}
	}
	return n, nil
}

// text is a name, or its hash: with a key, since names can be guessed. Nothing stays nothing.
func (n *names) text(kind, name string) string {
	if n.key == nil || name == "" {
		return name
	}
	const digits = 12
	hash := hmac.New(sha256.New, n.key)
	fmt.Fprintf(hash, "%s\x00%s", kind, name)
	return kind + "-" + hex.EncodeToString(hash.Sum(nil))[:digits]
}

// pod is the id of the next life of a pod. A pod of a StatefulSet that is replaced keeps its name.
func (n *names) pod(name types.NamespacedName) string {
	n.count++
	if n.key != nil {
		return fmt.Sprintf("pod-%d", n.count)
	}
	n.lives[name]++
	if life := n.lives[name]; life > 1 {
		return fmt.Sprintf("%s#%d", name, life)
	}
	return name.String()
}
