package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
)

// Hello greets whoever asks for any path, so that a new project has something to publish.
func Hello(mux *http.ServeMux) {
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		httpservice.WriteJSON(w, http.StatusOK, map[string]any{"hello": "world", "path": r.URL.Path})
	})
}
