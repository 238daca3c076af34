package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/automation/awscloud"
	"github.com/apigateway-ingress/apigateway-ingress/automation/engine"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
)

// checkAWS: credentials and whose they are, region, quotas, backend, secrets and plugins. What the credentials may do
// is found out by a preview.
func checkAWS(ctx context.Context, o operation.Options, project *engine.Project) []Check {
	region, _ := project.Get("aws:region")
	where := Check{Name: "region", OK: region != "", Found: region}
	if region == "" {
		where.Fix = "run `pulumi config set aws:region eu-west-1`"
		return append([]Check{where}, checkPlugins(ctx)...)
	}
	account, err := operation.Connect(ctx, project)
	if err != nil {
		return append([]Check{where, {Name: "AWS credentials", Found: err.Error(), Fix: signInHint}}, checkPlugins(ctx)...)
	}
	who, err := account.Caller(ctx)
	identity := Check{Name: "AWS credentials", OK: err == nil, Found: who}
	if err != nil {
		identity.Found, identity.Fix = err.Error(), signInHint
	}
	checks := []Check{where, identity, checkAWSCLI(project)}
	if identity.OK {
		checks = append(checks, checkQuotas(ctx, o, account, project)...)
	}
	checks = append(checks, checkBackend(ctx, account, project)...)
	return append(checks, checkPlugins(ctx)...)
}

const signInHint = "set AWS_PROFILE, or sign in with `aws sso login`; in CI use OIDC (examples/ci)"

// checkAWSCLI: the engine's Kubernetes provider runs it for a token of the cluster.
func checkAWSCLI(project *engine.Project) Check {
	if kubeconfig, _ := project.Get("kubeconfig"); kubeconfig != "" {
		return Check{Name: "AWS CLI", OK: true, Found: "not needed: the cluster is reached by " + kubeconfig}
	}
	path, err := exec.LookPath("aws")
	if err != nil {
		return Check{Name: "AWS CLI", Found: "not installed: it is how the cluster is reached",
			Fix: "install it from https://docs.aws.amazon.com/cli/"}
	}
	return Check{Name: "AWS CLI", OK: true, Found: path}
}

// checkQuotas asks for room, unless the stack is up and has taken its own.
func checkQuotas(ctx context.Context, o operation.Options, account *awscloud.Account, project *engine.Project) []Check {
	if resources, err := operation.Resources(ctx, o); err == nil && len(resources) > 1 {
		return []Check{{Name: "quotas", OK: true, Found: fmt.Sprintf("the stack is up, with %d resources", len(resources))}}
	}
	var checks []Check
	for _, q := range account.Quotas(ctx, needsOf(project)) {
		c := Check{Name: "quota", OK: q.Enough(), Found: fmt.Sprintf("%s: %d of %d are used, %d needed", q.Name, q.Used, q.Most, q.Needed)}
		if q.Err != nil {
			c = Check{Name: "quota", Unsure: true, Found: fmt.Sprintf("%s: %s", q.Name, q.Err)}
		} else if !c.OK {
			c.Fix = fmt.Sprintf("remove what is not used, or run `aws service-quotas request-service-quota-increase --service-code %s "+
				"--quota-code %s --desired-value %d`", q.Service, q.Code, q.Used+q.Needed)
		}
		checks = append(checks, c)
	}
	return checks
}

// needsOf is what a new stack with this config takes of what AWS counts.
func needsOf(project *engine.Project) awscloud.Needs {
	get := func(key string) string { value, _ := project.Get(key); return value }
	needs := awscloud.Needs{LoadBalancers: 1, VPCLinks: 1}
	if get("platformStack") != "" {
		return needs
	}
	if get("clusterName") == "" {
		needs.Clusters = 1
	}
	if get("vpcId") != "" {
		return needs
	}
	needs.VPCs = 1
	switch get("nat") {
	case "single":
		needs.ElasticIPs = 1
	case "perAz":
		// It was checked to be a number.
		needs.ElasticIPs, _ = strconv.Atoi(get("availabilityZones"))
	}
	return needs
}

// checkBackend: where the state is, and what encrypts the secrets in it.
func checkBackend(ctx context.Context, account *awscloud.Account, project *engine.Project) []Check {
	backend, err := engine.FindBackend(ctx, project.Root)
	if err != nil {
		return []Check{{Name: "Pulumi backend", Found: err.Error(),
			Fix: "run `pulumi login` (https://www.pulumi.com/docs/iac/concepts/state-and-backends/)"}}
	}
	return []Check{
		{Name: "Pulumi backend", OK: true, Found: strings.TrimSpace(backend.URL + " as " + backend.User)},
		checkSecrets(ctx, account, project.SecretsProvider, backend),
	}
}

const encryptionHint = "set PULUMI_CONFIG_PASSPHRASE_FILE, or `secretsprovider: awskms://alias/NAME?region=REGION` in the stack's file"

func checkSecrets(ctx context.Context, account *awscloud.Account, provider string, backend engine.Backend) Check {
	key, isKMS := strings.CutPrefix(provider, "awskms://")
	switch {
	case isKMS:
		key, _, _ = strings.Cut(strings.TrimPrefix(key, "/"), "?")
		if err := account.CheckKey(ctx, key); err != nil {
			return Check{Name: "secrets", Found: fmt.Sprintf("KMS key %s: %s", key, err),
				Fix: "let the credentials use kms:DescribeKey, kms:Encrypt and kms:Decrypt with it, or name another key"}
		}
		return Check{Name: "secrets", OK: true, Found: "KMS key " + key}
	case provider != "" && provider != "passphrase" && provider != "default":
		return Check{Name: "secrets", Unsure: true, Found: provider + " is not checked"}
	case backend.Managed() && provider != "passphrase":
		return Check{Name: "secrets", OK: true, Found: "encrypted by the backend"}
	}
	if _, set := os.LookupEnv("PULUMI_CONFIG_PASSPHRASE"); set {
		return Check{Name: "secrets", OK: true, Found: "passphrase in PULUMI_CONFIG_PASSPHRASE"}
	}
	file := os.Getenv("PULUMI_CONFIG_PASSPHRASE_FILE")
	if file == "" {
		return Check{Name: "secrets", Found: "the backend leaves secrets to a passphrase, and none is set", Fix: encryptionHint}
	}
	if _, err := os.ReadFile(file); err != nil { //nolint:gosec // the user names the file
		return Check{Name: "secrets", Found: err.Error(), Fix: encryptionHint}
	}
	return Check{Name: "secrets", OK: true, Found: "passphrase in " + file}
}

// plugins are the providers of a stack on AWS, and the modules whose versions they share.
var plugins = []struct{ name, module string }{
	{"aws", "github.com/pulumi/pulumi-aws/sdk/v6"}, {"eks", "github.com/pulumi/pulumi-eks/sdk/v3"}, {"kubernetes",
		"github.com/pulumi/pulumi-kubernetes/sdk/v4"},
	{"random", "github.com/pulumi/pulumi-random/sdk/v4"},
}

func checkPlugins(ctx context.Context) []Check {
	installed, err := engine.Plugins(ctx)
	if err != nil {
		return []Check{{Name: "plugins", Unsure: true, Found: err.Error()}}
	}
	manual := slices.Contains([]string{"1", "true"}, os.Getenv("PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"))
	var checks []Check
	for _, p := range plugins {
		version := moduleVersion(p.module)
		have := slices.ContainsFunc(installed, func(i engine.Plugin) bool {
			return i.Name == p.name && i.Kind == "resource" && i.Version == strings.TrimPrefix(version, "v")
		})
		c := Check{Name: "plugin " + p.name, OK: have || !manual, Found: version + " is installed"}
		switch {
		case !have && manual:
			c.Found, c.Fix = version+" is not installed", fmt.Sprintf("run `pulumi plugin install resource %s %s`", p.name, version)
		case !have:
			c.Found = version + " is downloaded by the first up"
		}
		checks = append(checks, c)
	}
	return checks
}

// moduleVersion is the version with which this program was built.
func moduleVersion(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == path {
				return module.Version
			}
		}
	}
	return "of an unknown version"
}
