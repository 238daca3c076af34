package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/catalogue"
	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
)

// Books serves the catalogue by title:
//
//	GET /api/book/list      {"books":[{title,subtitle,isbn13,authors}]}
//	GET /api/book/{isbn13}  one book, or 404
func Books(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/book/list", func(w http.ResponseWriter, _ *http.Request) {
		httpservice.WriteJSON(w, http.StatusOK, map[string]any{"books": catalogue.Books()})
	})
	mux.HandleFunc("GET /api/book/{isbn13}", func(w http.ResponseWriter, r *http.Request) {
		book, ok := catalogue.BookByISBN(r.PathValue("isbn13"))
		if !ok {
			httpservice.WriteError(w, http.StatusNotFound, "no book with ISBN-13 "+r.PathValue("isbn13"))
			return
		}
		httpservice.WriteJSON(w, http.StatusOK, book)
	})
}
