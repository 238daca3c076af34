package nginx

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// docs/reference/access-log.md tells every field of NGINX's log, and no other.
func TestLogFieldsAreTold(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/access-log.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## NGINX\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	_, format, found := strings.Cut(mainConfig, "log_format json")
	require.True(t, found)
	format, _, _ = strings.Cut(format, ";")
	require.Equal(t, firstGroups(`"([a-zA-Z]+)":`, format), firstGroups("(?m)^\\| `([a-zA-Z]+)` \\|", section))
}

func firstGroups(pattern, text string) []string {
	var all []string
	for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}
