//go:build tools

// Package tools names the programs that this module builds, so that `go mod tidy` keeps what they need.
// It is never compiled: the build tag is not set anywhere.
package tools

import (
	_ "go.etcd.io/etcd/server/v3"
	_ "helm.sh/helm/v4/cmd/helm"
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
