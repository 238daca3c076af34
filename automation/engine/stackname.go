package engine

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// LongestStackName is how many characters a stack's name may have, without its organization and project.
const LongestStackName = 100

// checkStackName refuses what no stack can be called: NAME, ORGANIZATION/NAME and ORGANIZATION/PROJECT/NAME are possible.
// https://www.pulumi.com/docs/iac/concepts/stacks/#stack-names
func checkStackName(stack string) error {
	parts := strings.Split(stack, "/")
	_, err := tokens.ParseStackName(parts[len(parts)-1])
	if err != nil || len(parts) > 3 || slices.Contains(parts, "") {
		return fmt.Errorf("stack name %q is not valid: it has letters, digits, hyphens, underscores and dots, %d at most, "+
			"and may follow an organization: for a branch's name write %s", stack, LongestStackName, SafeStackName(stack))
	}
	return nil
}

var unsafeInNames = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// SafeStackName is a name for a stack that is called after something else, such as a branch. It is empty when nothing of that can be
// in one.
func SafeStackName(text string) string {
	safe := strings.Trim(unsafeInNames.ReplaceAllString(text, "-"), "-")
	if len(safe) > LongestStackName {
		safe = safe[:LongestStackName]
	}
	return safe
}

// missingConfig says what to write for a stack that has no config, and of a name with a slash what it was taken for.
func (p *Project) missingConfig() error {
	err := fmt.Errorf("stack %q has no config: write %s", p.Stack, filepath.Join(p.configDir, stackFileName(p.Stack)))
	if organization, _, found := strings.Cut(p.Stack, "/"); found {
		err = fmt.Errorf("%w; %s is taken for an organization: for a branch's name write %s", err, organization, SafeStackName(p.Stack))
	}
	return err
}

// fileNameOf is the name of what is kept of a stack in a state directory.
func fileNameOf(stack string) string { return url.PathEscape(stack) }

// StackNames are those of a project's stacks that have a config.
func StackNames(root string) ([]string, error) {
	project, err := workspace.LoadProject(filepath.Join(root, projectFile))
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(root, project.StackConfigDir, "Pulumi.*.yaml"))
	var names []string
	for _, path := range paths {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), "Pulumi."), ".yaml"))
	}
	return names, err
}
