//go:build tools

// Package tools names the program that this module builds, so that `go mod tidy` keeps what it needs.
// It is never compiled: the build tag is not set anywhere.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
