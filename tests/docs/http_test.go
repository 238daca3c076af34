package docs

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/restapi"
	"github.com/stretchr/testify/require"
)

var testName = regexp.MustCompile("`(Test[A-Za-z0-9]+)`")

// Every line of docs/reference/http.md names tests that hold it, and every limit has its line.
func TestHTTPPageIsHeld(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/http.md")
	require.NoError(t, err)
	declared, err := exec.Command("grep", "-rhoE", "^func Test[A-Za-z0-9]+", "--include=*_test.go", "../..").Output()
	require.NoError(t, err)
	known := map[string]bool{}
	for line := range strings.FieldsSeq(string(declared)) {
		known[line] = true
	}
	_, table, found := strings.Cut(string(page), "| --- |")
	require.True(t, found)
	for line := range strings.SplitSeq(table, "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		named := testName.FindAllStringSubmatch(line, -1)
		require.NotEmpty(t, named, line)
		for _, name := range named {
			require.True(t, known[name[1]], "%s of docs/reference/http.md does not exist", name[1])
		}
	}
	for _, limit := range restapi.Limits {
		first := fmt.Sprintf("| At most %s %s | ", thousands(limit.Max), limit.What)
		_, rest, found := strings.Cut(table, first)
		require.True(t, found, first)
		if line, _, _ := strings.Cut(rest, "\n"); limit.Status != 0 {
			require.Contains(t, line, fmt.Sprintf("is %d, `%s`", limit.Status, limit.Message))
			require.Equal(t, limit.Believed, strings.Contains(line, "believed") || strings.Contains(line, "users report"), first)
		}
	}
}
