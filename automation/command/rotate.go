package command

import (
	"context"

	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/spf13/cobra"
)

func rotateCommand(s *shared) *cobra.Command {
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Make a secret of a stack anew, without a failed request",
		Long: `rotate writes the next generation of a secret into the stack's file and brings the stack up. Commit the file
afterward: another up with the former one would bring the former secret back.`,
		Example: `  apigw-ingress rotate origin
  apigw-ingress --stack production rotate client`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(rotateOrigin(s), rotateClient(s))
	return command
}

func rotateOrigin(s *shared) *cobra.Command {
	return &cobra.Command{
		Use:   "origin",
		Short: "Rotate the secret by which NGINX knows that requests come through the API",
		Long: `rotate origin takes three updates, because NGINX accepts three secrets at a time: those that were accepted before are
worth nothing afterward. Deployments of before are served no more.`,
		Example: `  apigw-ingress --stack production rotate origin`,
		Args:    usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error {
			return s.rotate(ctx, operation.RotateOrigin, false, func(*operation.Result) {
				s.printf("\nNGINX accepts none of the former secrets any more.\n")
			})
		}),
	}
}

func rotateClient(s *shared) *cobra.Command {
	var finish bool
	command := &cobra.Command{
		Use:   "client",
		Short: "Rotate the access key of the client user",
		Long: `rotate client makes the client user another access key, which the outputs give from then on. The former one stays
valid until rotate client --finish takes it away: run that once every client has the new one.`,
		Example: `  apigw-ingress rotate client
  apigw-ingress outputs --show-secrets clientSecretAccessKey
  apigw-ingress rotate client --finish`,
		Args: usageArgs(cobra.NoArgs),
		RunE: verb(func(ctx context.Context) error {
			return s.rotate(ctx, operation.RotateClient, finish, func(r *operation.Result) {
				if finish {
					s.printf("\nThe former access key is gone.\n")
					return
				}
				id, _ := r.Outputs["clientAccessKeyId"].Value.(string)
				s.printf("\nThe new access key is %s; the former one is valid until `%s rotate client --finish`.\n", id, s.self())
			})
		}),
	}
	command.Flags().BoolVar(&finish, "finish", false, "take away the former key")
	return command
}

func (s *shared) rotate(ctx context.Context, what operation.Rotation, finish bool, text func(*operation.Result)) error {
	ctx, giveUp, done := interruptible(ctx)
	defer done()
	o := operation.RotateOptions{Options: s.follow(pastTense), Rotation: what, Finish: finish}
	o.GiveUp = giveUp
	r, err := operation.Rotate(ctx, o)
	return s.finish("rotate", r, err, "", func() { text(r) })
}
