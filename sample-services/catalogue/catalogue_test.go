package catalogue

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAuthorsFollowFromTheBooks(t *testing.T) {
	require.Len(t, Books(), 10)
	require.Len(t, Authors(), 13)

	written := map[string]int{}
	for _, a := range Authors() {
		for _, b := range a.Books {
			require.Contains(t, b.Authors, a.Author)
			written[b.ISBN13]++
		}
	}
	for _, b := range Books() {
		require.Equal(t, len(b.Authors), written[b.ISBN13], b.Title)
	}
}

func TestLookups(t *testing.T) {
	book, ok := BookByISBN("9781788390071")
	require.True(t, ok)
	require.Equal(t, "Kubernetes on AWS", book.Title)
	_, ok = BookByISBN("978")
	require.False(t, ok)

	author, ok := AuthorByID("David-K-Rensin")
	require.True(t, ok)
	require.Equal(t, "David K. Rensin", author.Author)
	_, ok = AuthorByID("David K. Rensin")
	require.False(t, ok)
}
