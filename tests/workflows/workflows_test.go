// Package workflows holds the workflows of this repository, and those that examples/ci gives away, to what keeps a pipeline
// from being taken over.
package workflows

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

type workflow struct {
	On          any               `json:"on"`
	Permissions map[string]string `json:"permissions"`
	Jobs        map[string]job    `json:"jobs"`
}

type job struct {
	Environment any               `json:"environment"`
	Permissions map[string]string `json:"permissions"`
	Steps       []step            `json:"steps"`
}

type step struct {
	Uses string            `json:"uses"`
	Run  string            `json:"run"`
	With map[string]any    `json:"with"`
	Env  map[string]string `json:"env"`
}

var (
	pinned = regexp.MustCompile(`uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+`)
	// ownCode builds or tests, and so runs code of the branch and of all that it depends on.
	ownCode = regexp.MustCompile(`\b(make|go (test|run|generate|build)|npm|\./\S+)\b`)
	// floating is a tool in whatever version there is today.
	floating = regexp.MustCompile(`@(latest|main|master)\b|curl [^|]*\| *(ba)?sh`)
)

func read(t *testing.T) map[string]workflow {
	all := map[string]workflow{}
	for _, pattern := range []string{"../../.github/workflows/*.yml", "../../examples/ci/*.yml"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			var w workflow
			// "on" is a truth value in YAML 1.1.
			require.NoError(t, yaml.Unmarshal([]byte(strings.Replace("\n"+string(content), "\non:", "\n\"on\":", 1)), &w), file)
			for line := range strings.Lines(string(content)) {
				if strings.Contains(line, "uses:") {
					require.Regexp(t, pinned, line, "%s: pin the action by its commit, with the version beside it", file)
				}
			}
			all[file] = w
		}
	}
	return all
}

func TestWorkflowsGiveNothingAway(t *testing.T) {
	for file, w := range read(t) {
		require.NotContains(t, triggers(w), "pull_request_target", "%s would run a stranger's change with this repository's secrets", file)
		require.NotNil(t, w.Permissions, "%s: without permissions the token may do what the repository's settings say", file)
		for scope, access := range w.Permissions {
			require.Equal(t, "read", access, "%s: %s is for the jobs that need it", file, scope)
		}
		for name, j := range w.Jobs {
			j.check(t, file+": job "+name, triggers(w))
		}
	}
}

func (j job) check(t *testing.T, place string, triggers []string) {
	runsCode, role := false, ""
	for _, s := range j.Steps {
		require.NotContains(t, s.Run, "${{", "%s: an expression becomes part of the script: pass it in env", place)
		require.NotRegexp(t, floating, s.Run, place)
		runsCode = runsCode || ownCode.MatchString(s.Run)
		if strings.HasPrefix(s.Uses, "aws-actions/configure-aws-credentials@") {
			role, _ = s.With["role-to-assume"].(string)
			require.Regexp(t, `vars\.AWS_(READER|EPHEMERAL|DEPLOYER)_ROLE`, role, place)
		}
	}
	if role != "" {
		require.NotEmpty(t, j.Environment, "%s: the role trusts an environment", place)
		require.False(t, strings.Contains(role, "DEPLOYER") && slices.Contains(triggers, "pull_request"),
			"%s: a pull request does not deploy", place)
		require.False(t, runsCode && !strings.Contains(role, "EPHEMERAL"),
			"%s: code of a branch runs with the role for ephemeral stacks alone", place)
	}
	for scope, access := range j.Permissions {
		if access == "write" && scope != "id-token" {
			require.False(t, runsCode, "%s: %s: write beside code that it builds or tests", place, scope)
			require.Empty(t, role, "%s: %s: write beside credentials for AWS", place, scope)
		}
	}
}

func triggers(w workflow) (names []string) {
	switch on := w.On.(type) {
	case string:
		return []string{on}
	case []any:
		for _, name := range on {
			names = append(names, name.(string))
		}
	case map[string]any:
		for name := range on {
			names = append(names, name)
		}
	}
	return names
}
