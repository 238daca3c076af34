package gateway

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/stretchr/testify/require"
)

const accessLogPage = "../../docs/reference/access-log.md"

// docs/reference/access-log.md tells every field of the access log.
func TestAccessLogPage(t *testing.T) {
	content, err := os.ReadFile(accessLogPage)
	require.NoError(t, err)
	head, rest, found := strings.Cut(string(content), "| field | variable of API Gateway |")
	require.True(t, found)
	_, tail, found := strings.Cut(rest, "\n## NGINX")
	require.True(t, found)
	var b strings.Builder
	b.WriteString(head + "| field | variable of API Gateway | meaning |\n| --- | --- | --- |\n")
	for _, f := range accessLogFields {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", f.name, f.variable, f.meaning)
	}
	golden.Equal(t, accessLogPage, b.String()+"\n## NGINX"+tail)
}

// Queries in the documentation ask for fields that the access log has.
func TestQueriesAskForFieldsThatExist(t *testing.T) {
	words := strings.Fields("fields filter stats sort desc by as and or not in like bin 1m 5m 1h count pct sum avg ispresent limit timestamp")
	for _, f := range accessLogFields {
		words = append(words, f.name)
	}
	literal := regexp.MustCompile(`"[^"]*"|/[^/\n]*/`)
	named := regexp.MustCompile(`\bas ([a-z]+)`)
	word := regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*|[0-9]+[a-z]`)
	queries := 0
	for _, page := range []string{accessLogPage, "../../docs/howto/monitor.md"} {
		content, err := os.ReadFile(page)
		require.NoError(t, err)
		for block := range strings.SplitSeq(string(content), "```logs-insights\n") {
			query, _, isQuery := strings.Cut(block, "```")
			if !isQuery || strings.HasPrefix(query, "# ") {
				continue
			}
			queries++
			query = literal.ReplaceAllString(query, "")
			known := slices.Clone(words)
			for _, found := range named.FindAllStringSubmatch(query, -1) {
				known = append(known, found[1])
			}
			for _, asked := range word.FindAllString(query, -1) {
				require.Contains(t, known, asked, "%s:\n%s", page, query)
			}
		}
	}
	require.Greater(t, queries, 10)
}
