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
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	// GitHub drops these from a heading when it makes an anchor of it.
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Every link between pages leads to a file that exists, and to a heading of it.
func TestLinks(t *testing.T) {
	for _, from := range pages(t) {
		for _, found := range link.FindAllStringSubmatch(read(t, from), -1) {
			target, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := from
			if target != "" {
				to = filepath.Join(filepath.Dir(from), target)
			}
			_, err := os.Stat(filepath.Join(repository, to))
			require.NoError(t, err, "%s links to %s", from, found[1])
			if anchor != "" {
				require.Contains(t, anchors(read(t, to)), anchor, "%s links to %s", from, found[1])
			}
		}
	}
}

// Every page below docs/ can be reached from docs/index.md.
func TestEveryPageIsLinked(t *testing.T) {
	reached, next := map[string]bool{"docs/index.md": true}, []string{"docs/index.md"}
	for len(next) > 0 {
		from := next[0]
		next = next[1:]
		for _, found := range link.FindAllStringSubmatch(read(t, from), -1) {
			target, _, _ := strings.Cut(found[1], "#")
			to := filepath.Join(filepath.Dir(from), target)
			if strings.HasSuffix(to, ".md") && !strings.Contains(target, "://") && !reached[to] {
				reached[to], next = true, append(next, to)
			}
		}
	}
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/") {
			require.True(t, reached[page], "%s is not linked from docs/index.md or a page that is", page)
		}
	}
}

// pages are the Markdown files that people read, by their path in the repository.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"}
	for _, dir := range []string{"docs", "examples"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(repository, dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && strings.HasSuffix(path, ".md") {
				name, relErr := filepath.Rel(repository, path)
				require.NoError(t, relErr)
				all = append(all, name)
			}
			return err
		}))
	}
	return all
}

func anchors(page string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(page, -1) {
		plain := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(found[1])), "")
		all = append(all, strings.ReplaceAll(plain, " ", "-"))
	}
	return all
}
