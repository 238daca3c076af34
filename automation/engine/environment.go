package engine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// TestProvidersVariable attaches providers to stacks on AWS, in the form of PULUMI_DEBUG_PROVIDERS: the tests of this project
// have nothing else that stands for AWS.
const TestProvidersVariable = "APIGW_INGRESS_TEST_PROVIDERS"

// attachedVariable attaches providers in place of the real ones.
const attachedVariable = "PULUMI_DEBUG_PROVIDERS"

// ErrEnvironment says that the environment is set up for the local target, as the verb env prints it, and the stack is on
// AWS: what it takes for AWS would be this machine.
var ErrEnvironment = errors.New("the environment is that of the local target, and the stack's target is aws")

// ignoredOnLocal are variables that mean something to the CLI and must mean nothing to a local stack: it has a passphrase
// of its own, is named on the command line, and knows no AWS account.
var ignoredOnLocal = []string{
	"PULUMI_CONFIG_PASSPHRASE", "PULUMI_STACK", "PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG", attachedVariable,
	"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL",
}

// awsEnvironment is the process's without the name of a stack: the one that the command line names counts.
func awsEnvironment(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool { return strings.HasPrefix(variable, "PULUMI_STACK=") })
}

// localEnvironment is the process's without what must not matter to a local stack.
func localEnvironment(environment []string) []string {
	return slices.DeleteFunc(slices.Clone(environment), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		return slices.Contains(ignoredOnLocal, name)
	})
}

// checkAWSEnvironment refuses what would make a stack on AWS come up on this machine, or mix its state with that of the
// local target.
func checkAWSEnvironment() error {
	var problems []string
	if os.Getenv(attachedVariable) != "" {
		problems = append(problems, attachedVariable+" attaches other providers than AWS's")
	}
	for name, path := range map[string]string{
		"PULUMI_BACKEND_URL":            backendFolder(os.Getenv("PULUMI_BACKEND_URL")),
		"PULUMI_HOME":                   os.Getenv("PULUMI_HOME"),
		"PULUMI_CONFIG_PASSPHRASE_FILE": os.Getenv("PULUMI_CONFIG_PASSPHRASE_FILE"),
	} {
		if path != "" && isStateDir(filepath.Dir(path)) {
			problems = append(problems, name+" is in the local target's state directory")
		}
	}
	if len(problems) == 0 {
		return nil
	}
	slices.Sort(problems)
	return fmt.Errorf("%w: %s; nothing was done: use a new shell, or unset them", ErrEnvironment, strings.Join(problems, ", and "))
}

// backendFolder is the folder of a file backend.
func backendFolder(url string) string {
	path, isFile := strings.CutPrefix(url, "file://")
	if !isFile {
		return ""
	}
	path, _, _ = strings.Cut(path, "?")
	return filepath.Clean(path)
}

// isStateDir says whether a folder is one that PrepareState has laid out.
func isStateDir(dir string) bool {
	for _, name := range []string{"backend", "home", "passphrase"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
