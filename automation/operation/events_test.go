package operation

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMarkupIsTakenOut(t *testing.T) {
	require.Equal(t, "error: no", plainText("<{%reset%}>error: <{%fg 1%}>no<{%reset%}>"))
	require.Equal(t, "a <{%b", plainText("a <{%b"))
}
