package command

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apigateway-ingress/apigateway-ingress/automation/migrate"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	"github.com/apigateway-ingress/apigateway-ingress/components/route/manifest"
	"github.com/spf13/cobra"
)

type migrateFlags struct {
	migrate.Options
	out         string
	kubeContext string
}

func migrateCommand(s *shared) *cobra.Command {
	var flags migrateFlags
	command := &cobra.Command{
		Use:   "migrate FILE|DIR|-...",
		Short: "Translate what another ingress controller publishes",
		Long: `migrate reads the Ingresses of ingress-nginx, of the AWS Load Balancer Controller and of the original API Gateway
controller, and the Services that have a load balancer or a node port of their own. It prints a report of every
annotation and path: translated, not needed, or impossible with the reason and what to do. With --out it writes the
translated Ingresses, a stack's config and the report into a folder. It changes nothing in any cluster, and overwrites
no file.

Routes ask for IAM's signatures unless --public lets everybody in; what was guarded in a way that cannot be translated
stays closed all the same.`,
		Example: `  apigw-ingress migrate deploy/
  helm template shop ./chart | apigw-ingress migrate - --public --out migrated
  apigw-ingress migrate --from-cluster prod --cluster prod --region eu-west-1 --out migrated`,
		RunE: func(cmd *cobra.Command, args []string) error { return s.migrate(cmd.Context(), args, flags) },
	}
	f := command.Flags()
	f.StringVarP(&flags.out, "out", "o", "", "folder to write into")
	f.StringVar(&flags.kubeContext, "from-cluster", "", "context of the kubeconfig whose cluster to read, instead of files")
	f.BoolVar(&flags.Public, "public", false, "let everybody in where nothing guarded a route")
	f.StringVar(&flags.Cluster, "cluster", "", "name of the EKS cluster, for the config")
	f.StringVar(&flags.Region, "region", "", "AWS region of the cluster, for the config")
	return command
}

func (s *shared) migrate(ctx context.Context, paths []string, flags migrateFlags) error {
	set, err := s.objects(ctx, paths, flags.kubeContext)
	if err != nil {
		return err
	}
	plan, err := migrate.New(set, flags.Options)
	if err != nil {
		return usage(err)
	}
	if len(plan.Findings)+len(plan.Ingresses)+len(plan.Offers) == 0 {
		return usage(fmt.Errorf("there is no Ingress and no Service of type LoadBalancer or NodePort (read: %s)", orNothing(set.Kinds())))
	}
	if flags.out != "" {
		if err := s.writePlan(plan, flags); err != nil {
			return err
		}
	}
	return s.print(plan, func() { s.printf("%s", plan.Report()) })
}

func orNothing(kinds string) string {
	if kinds == "" {
		return "nothing"
	}
	return kinds
}

func (s *shared) objects(ctx context.Context, paths []string, kubeContext string) (manifest.Set, error) {
	switch {
	case kubeContext == "":
		set, err := manifest.Read(paths, s.in)
		return set, usage(err)
	case len(paths) > 0:
		return manifest.Set{}, usage(errors.New("--from-cluster reads the cluster, and no files besides"))
	}
	return operation.ReadCluster(ctx, kubeContext)
}

// writePlan writes the files, all of them new.
func (s *shared) writePlan(plan *migrate.Plan, flags migrateFlags) error {
	manifests, err := plan.Manifests()
	if err != nil {
		return err
	}
	files := map[string][]byte{
		migrate.ManifestsFile: manifests, "Pulumi." + s.stack + ".yaml": plan.StackConfig(flags.Options), "migration.md": []byte(plan.Report()),
	}
	if len(plan.Ingresses) == 0 {
		delete(files, migrate.ManifestsFile)
	}
	if err := os.MkdirAll(flags.out, 0o750); err != nil {
		return usage(err)
	}
	var problems []error
	for name := range files {
		if _, err := os.Lstat(filepath.Join(flags.out, name)); err == nil {
			problems = append(problems, fmt.Errorf("%s exists: nothing is overwritten; choose another folder with --out",
				filepath.Join(flags.out, name)))
		}
	}
	if len(problems) > 0 {
		return usage(errors.Join(problems...))
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(flags.out, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
