// SPDX-License-Identifier: Apache-2.0

// Package docs checks what the documentation and the shipped configuration show: code blocks parse, commands and links
// exist, and Kubernetes objects decode strictly.
//
// Every check takes text and returns problems, so that a test can show that it is able to fail.
package docs
