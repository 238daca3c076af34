package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/catalogue"
)

// Authors serves the catalogue by author:
//
//	GET /api/author, /api/author/list  {"authors":[{author,id,books}]}
//	GET /api/author/{id}               one author, for example David-K-Rensin, or 404
func Authors(mux *http.ServeMux) {
	collection[catalogue.Author]{
		path: "/api/author", name: "authors", all: catalogue.Authors, find: catalogue.AuthorByID, unknown: "author with id",
	}.serve(mux)
}
