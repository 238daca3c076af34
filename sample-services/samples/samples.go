// Package samples are the routes of the sample services. Their images run the programs beside it; on this machine the
// apigw-ingress binary serves them itself.
package samples

import "net/http"

// Services are the sample services by name.
var Services = map[string]func(*http.ServeMux){"authors": Authors, "books": Books, "hello": Hello}
