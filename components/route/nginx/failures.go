package nginx

import (
	"fmt"
	"net/http"
	"strconv"
)

// refusal answers in the form that API Gateway's own answers have, with the request's id.
func refusal(status int, message string) directive {
	return directive{"return", []argument{raw(strconv.Itoa(status)),
		literal(fmt.Sprintf(`{"message":%q,"requestId":"$http_x_request_id"}`, message))}, nil}
}

// failures are NGINX's own answers in the same form; those of services pass as they are. A service of which no pod answers
// is unavailable, which NGINX calls a bad gateway.
func failures() []directive {
	var list []directive
	// A request that nginx could not even read has no path, and nginx no location for it.
	for _, status := range []int{http.StatusRequestEntityTooLarge, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout} {
		name := raw(fmt.Sprintf("@failed_%d", status))
		answer := []directive{refusal(status, http.StatusText(status))}
		if status == http.StatusBadGateway {
			unavailable := directive{"if", []argument{raw(`($connected = "")`)},
				[]directive{refusal(http.StatusServiceUnavailable, http.StatusText(http.StatusServiceUnavailable))}}
			answer = append([]directive{unavailable}, answer...)
		}
		list = append(list, directive{"error_page", []argument{raw(strconv.Itoa(status)), raw("="), name}, nil},
			directive{"location", []argument{name}, answer})
	}
	return list
}
