package samples

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAuthors(t *testing.T) {
	mux := http.NewServeMux()
	Authors(mux)
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}

	var list struct{ Authors []map[string]any }
	require.NoError(t, json.Unmarshal(get("/api/author/list").Body.Bytes(), &list))
	require.Len(t, list.Authors, 13)

	var one struct {
		Author, ID string
		Books      []struct{ Title string }
	}
	require.NoError(t, json.Unmarshal(get("/api/author/Peter-Sbarski").Body.Bytes(), &one))
	require.Equal(t, "Peter Sbarski", one.Author)
	require.Equal(t, "Serverless Architectures on AWS", one.Books[0].Title)
	require.Equal(t, http.StatusNotFound, get("/api/author/nobody").Code)
}
