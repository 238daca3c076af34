package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each promise of these pages names the tests that hold it, and these exist.
func TestPromisesAreHeld(t *testing.T) {
	for _, page := range []string{"SECURITY.md", "docs/explanation/reliability.md"} {
		t.Run(page, func(t *testing.T) { testPromises(t, page) })
	}
}

func testPromises(t *testing.T, page string) {
	content, err := os.ReadFile(filepath.Join(repository, page))
	require.NoError(t, err)
	tests := testNames(t)
	named := regexp.MustCompile("`([tT]est[A-Z]\\w+|Fuzz[A-Z]\\w+)`")
	promises := 0
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(line, " | ")
		if !strings.HasPrefix(line, "| ") || len(cells) < 3 || strings.HasPrefix(line, "| what") || strings.HasPrefix(line, "| ---") {
			continue
		}
		promises++
		held := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		require.NotEmpty(t, held, "no test is named for: %s", cells[0])
		for _, test := range held {
			require.True(t, tests[test[1]], "%s names %s, which does not exist", cells[0], test[1])
		}
	}
	require.Greater(t, promises, 10)
}

func testNames(t *testing.T) map[string]bool {
	declared := regexp.MustCompile(`(?m)^func ([tT]est[A-Z]\w+|Fuzz[A-Z]\w+)\(`)
	names := map[string]bool{}
	require.NoError(t, filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != repository || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		content, err := os.ReadFile(path)
		for _, match := range declared.FindAllStringSubmatch(string(content), -1) {
			names[match[1]] = true
		}
		return err
	}))
	return names
}
