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

var (
	inBackticks = regexp.MustCompile("`([^`]+)`")
	aPath       = regexp.MustCompile(`^[a-z.-]+(/[a-zA-Z0-9_.-]+)+/?$|^[a-z-]+/$|^[A-Za-z-]+\.(md|yaml|go|mod)$`)
	aTest       = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w+$`)
	aTarget     = regexp.MustCompile("(?:^|\n    |`)make ([a-z-]+)")
	testFunc    = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+|test[A-Z]\w+)\(`)
)

// What CONTRIBUTING.md and the architecture say of folders, files, tests and make targets is there.
func TestTheHouseIsAsDescribed(t *testing.T) {
	tests := map[string]bool{}
	require.NoError(t, filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		content, err := os.ReadFile(path)
		for _, found := range testFunc.FindAllStringSubmatch(string(content), -1) {
			tests[found[1]] = true
		}
		return err
	}))
	makefile, err := os.ReadFile(filepath.Join(repository, "Makefile"))
	require.NoError(t, err)
	for _, page := range []string{"CONTRIBUTING.md", "docs/explanation/architecture.md"} {
		content, err := os.ReadFile(filepath.Join(repository, page))
		require.NoError(t, err)
		for _, found := range inBackticks.FindAllStringSubmatch(string(content), -1) {
			switch word := found[1]; {
			case aTest.MatchString(word):
				require.True(t, tests[word], "%s names the test %s", page, word)
			case aPath.MatchString(word):
				require.True(t, exists(word), "%s names %s", page, word)
			}
		}
		for _, found := range aTarget.FindAllStringSubmatch(string(content), -1) {
			require.True(t, strings.Contains(string(makefile), "\n"+found[1]+":"), "%s names make %s", page, found[1])
		}
	}
	for _, found := range regexp.MustCompile(`\[([a-z]+/[a-zA-Z/]+)[:\]]`).FindAllStringSubmatch(read(t, "docs/explanation/architecture.md"), -1) {
		require.True(t, exists(found[1]), "the picture has %s", found[1])
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, name))
	require.NoError(t, err)
	return string(content)
}

// exists finds a path from the top, or a room of components.
func exists(path string) bool {
	for _, from := range []string{"", "components", "automation", "docs"} {
		if _, err := os.Stat(filepath.Join(repository, from, path)); err == nil {
			return true
		}
	}
	return false
}
