package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/catalogue"
	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
)

// Authors serves the catalogue by author:
//
//	GET /api/author/list  {"authors":[{author,id,books}]}
//	GET /api/author/{id}  one author, for example David-K-Rensin, or 404
func Authors(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/author/list", func(w http.ResponseWriter, _ *http.Request) {
		httpservice.WriteJSON(w, http.StatusOK, map[string]any{"authors": catalogue.Authors()})
	})
	mux.HandleFunc("GET /api/author/{id}", func(w http.ResponseWriter, r *http.Request) {
		author, ok := catalogue.AuthorByID(r.PathValue("id"))
		if !ok {
			httpservice.WriteError(w, http.StatusNotFound, "no author with id "+r.PathValue("id"))
			return
		}
		httpservice.WriteJSON(w, http.StatusOK, author)
	})
}
