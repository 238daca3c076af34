package nginxconf

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const sample = `# a comment
worker_processes auto; events { worker_connections 10; }
http {
    log_format json escape=json '{"a":"$b",' '"c":"$d"}';
    map "$a|$b" $c { "" $x; "~^([^|]*)\|\1$" 0; default "y z"; }
    location = "/a b;{}" { return 200 '{"status":"ok"}'; }
    if ($a ~ "/$") { set $b "${dollar}\\\""; }
}
`

func TestParse(t *testing.T) {
	parsed, err := Parse(sample)
	require.NoError(t, err)
	http := parsed.Directives[2].Block.Directives
	require.Equal(t, Directive{Name: "log_format", Args: []string{"json", "escape=json", `{"a":"$b",`, `"c":"$d"}`}}, http[0])
	require.Equal(t, []Directive{{Name: "", Args: []string{"$x"}}, {Name: `~^([^|]*)\|\1$`, Args: []string{"0"}},
		{Name: "default", Args: []string{"y z"}}}, http[1].Block.Directives)
	require.Equal(t, []string{"=", "/a b;{}"}, http[2].Args)
	require.Equal(t, Directive{Name: "set", Args: []string{"$b", `${dollar}\"`}}, http[3].Block.Directives[0])
}

func TestFormatKeepsTheMeaning(t *testing.T) {
	parsed, err := Parse(sample)
	require.NoError(t, err)
	again, err := Parse(Format(parsed))
	require.NoError(t, err)
	require.Equal(t, parsed, again)
}

func TestErrors(t *testing.T) {
	for _, text := range []string{"a", "a {", "}", ";", "{", `a "b`, "a }"} {
		_, err := Parse(text)
		require.Error(t, err, text)
	}
}
