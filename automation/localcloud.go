package main

import (
	"context"
	"log/slog"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/daemon"
	"github.com/spf13/cobra"
)

// localCloudCommand is how the other verbs start the local cloud in the background.
func (a *app) localCloudCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "localcloud",
		Short:  "Serve the local cloud of a state directory until it is stopped",
		Hidden: true,
		Args:   usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			_, build, err := identifySelf()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(a.stateDir)
			if err != nil {
				return withCode(exitUsage, err)
			}
			log := slog.New(slog.NewJSONHandler(a.out, nil))
			return daemon.Serve(ctx, dir, build, log)
		},
	}
}
