package samples

import (
	"net/http"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
)

// collection is a part of the catalogue below a path. The path itself, and list below it, answer with all of it; an id below
// it with one, or 404.
type collection[T any] struct {
	path, name string
	all        func() []T
	find       func(id string) (T, bool)
	// unknown is what an id is said not to be.
	unknown string
}

func (c collection[T]) serve(mux *http.ServeMux) {
	list := func(w http.ResponseWriter, _ *http.Request) {
		httpservice.WriteJSON(w, http.StatusOK, map[string]any{c.name: c.all()})
	}
	mux.HandleFunc("GET "+c.path, list)
	mux.HandleFunc("GET "+c.path+"/list", list)
	mux.HandleFunc("GET "+c.path+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		found, ok := c.find(r.PathValue("id"))
		if !ok {
			httpservice.WriteError(w, http.StatusNotFound, "no "+c.unknown+" "+r.PathValue("id"))
			return
		}
		httpservice.WriteJSON(w, http.StatusOK, found)
	})
}
