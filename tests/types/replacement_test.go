package types

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/awsrules"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/store"
	"github.com/stretchr/testify/require"
)

var ruleRow = regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| `([A-Za-z0-9]+)` \\| (in place|replaces)[^|]* \\| <https://[^>|]+> \\| " +
	"[^|]+ \\|$")

// docs/contributing/aws-rules.md says of each property whether a change of it makes a new object; the local target must do the same.
func TestRulesPageAndLocalTargetReplaceTheSame(t *testing.T) {
	page, err := os.ReadFile("../../docs/contributing/aws-rules.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), "| --- |")
	require.True(t, found)
	_, table, _ = strings.Cut(table, "\n")
	lines := strings.Split(strings.TrimSpace(table), "\n")
	rows := ruleRow.FindAllStringSubmatch(table, -1)
	require.Len(t, rows, len(lines), "each row says in place or replaces first, and names a source")
	tokens := map[string]string{}
	for _, token := range awsrules.Tokens() {
		tokens[token[strings.LastIndexByte(token, ':')+1:]] = token
	}
	rules := awsrules.New(nil, nil, 0)
	for _, row := range rows {
		token := tokens[row[1]]
		require.NotEmpty(t, token, row[0])
		_, replaced, err := rules.Diff(token, store.Properties{row[2]: "a"}, store.Properties{row[2]: "b"})
		require.NoError(t, err)
		if (row[3] == "replaces") != (len(replaced) > 0) {
			t.Errorf("the local target replaces %v: %s", replaced, row[0])
		}
	}
}
