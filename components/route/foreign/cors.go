package foreign

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What ingress-nginx allows when an Ingress has CORS and does not say more:
// https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#enable-cors
const (
	nginxCORSMethods = "GET, PUT, POST, DELETE, PATCH, OPTIONS"
	nginxCORSHeaders = "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization"
	longestMaxAge    = 86400
)

var corsOrigin = regexp.MustCompile(`^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$`)

func enableCORS(value string, t *translation) (Outcome, string) {
	if value != "true" {
		return NotNeeded, "it is off"
	}
	origins := fields(t.value("cors-allow-origin", "*"))
	for _, origin := range origins {
		if !corsOrigin.MatchString(origin) {
			return Impossible, fmt.Sprintf("origin %q: API Gateway wants whole origins; name each", origin)
		}
	}
	t.set("cors-allow-origins", strings.Join(origins, ","))
	t.set("cors-allow-methods", strings.Join(fields(t.value("cors-allow-methods", nginxCORSMethods)), ","))
	t.set("cors-allow-headers", strings.Join(fields(t.value("cors-allow-headers", nginxCORSHeaders)), ","))
	note := ""
	switch credentials := t.value("cors-allow-credentials", "true") == "true"; {
	case credentials && slices.Contains(origins, "*"):
		note = "without credentials: browsers send none to the origin `*`"
	case credentials:
		t.set("cors-allow-credentials", "true")
	}
	age, err := strconv.Atoi(t.value("cors-max-age", "1728000"))
	if err != nil || age < 1 {
		return Impossible, fmt.Sprintf("cors-max-age %q is not a number of seconds", t.value("cors-max-age", ""))
	}
	t.set("cors-max-age", fmt.Sprintf("%ds", min(age, longestMaxAge)))
	return Translated, note
}

// withCORS is the outcome of those annotations that enableCORS reads.
func withCORS(_ string, t *translation) (Outcome, string) {
	if t.value("enable-cors", "") != "true" {
		return NotNeeded, "without `enable-cors` there is no CORS to set"
	}
	return Translated, ""
}

// fields splits a list by commas and spaces.
func fields(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}
