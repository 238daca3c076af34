package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/catalogue"
)

// Books serves the catalogue by title:
//
//	GET /api/book, /api/book/list  {"books":[{title,subtitle,isbn13,authors}]}
//	GET /api/book/{isbn13}         one book, or 404
func Books(mux *http.ServeMux) {
	collection[catalogue.Book]{
		path: "/api/book", name: "books", all: catalogue.Books, find: catalogue.BookByISBN, unknown: "book with ISBN-13",
	}.serve(mux)
}
