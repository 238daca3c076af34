package samples

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBooks(t *testing.T) {
	mux := http.NewServeMux()
	Books(mux)
	get := func(path string) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		return answer
	}

	var list struct{ Books []map[string]any }
	require.NoError(t, json.Unmarshal(get("/api/book/list").Body.Bytes(), &list))
	require.Len(t, list.Books, 10)
	require.Equal(t, "Serverless Architectures on AWS", list.Books[0]["title"])

	require.JSONEq(t, `{"title":"AWS for Developers For Dummies","subtitle":"","isbn13":"9781119371847","authors":["John Paul Mueller"]}`,
		get("/api/book/9781119371847").Body.String())
	require.Equal(t, http.StatusNotFound, get("/api/book/1").Code)
}
