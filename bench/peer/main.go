// Command peer is what Readmit is measured against: a controller on controller-runtime, set up as its users tune it for
// throughput, that does the bare job. It reads the account from the upstream, unlocks it where it is locked, and writes
// the status once. No policy, no identity, no protection of administrators, no read-back, no audit log.
package main

import (
	"flag"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	kind := flag.String("kind", "unlocks.v1.bench.example", "resource to act on: KIND.VERSION.GROUP")
	url := flag.String("upstream", "", "address of the sandbox, http://HOST:PORT")
	token := flag.String("token", "", "API token for it")
	workers := flag.Int("workers", 64, "requests that are worked on at once")
	terse := flag.Bool("terse", false, "say in the status only how it ended")
	flag.Parse()
	ctrl.SetLogger(zap.New())
	if err := run(*kind, *url, *token, *workers, *terse); err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}

func run(kind, url, token string, workers int, terse bool) error {
	gvk, _ := schema.ParseKindArg(kind)
	if gvk == nil {
		return fmt.Errorf("%q is no KIND.VERSION.GROUP", kind)
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	// No limit on the client's side: the API server's own priority and fairness is what bounds it.
	config.QPS = -1
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 schemeOf(*gvk),
		Metrics:                server.Options{BindAddress: "0"},
		HealthProbeBindAddress: "0",
	})
	if err != nil {
		return fmt.Errorf("set up the manager: %w", err)
	}
	unlocker := &unlocker{client: manager.GetClient(), upstream: newUpstream(url, token, workers), terse: terse}
	if err := unlocker.register(manager, workers); err != nil {
		return fmt.Errorf("set up the controller: %w", err)
	}
	return manager.Start(ctrl.SetupSignalHandler())
}
