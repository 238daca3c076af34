package route

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxPathLength keeps a path within one word of NGINX's configuration, which ends at 4 KB.
const maxPathLength = 2000

// pathSegment is what API Gateway takes as a literal part of a resource's path:
// https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html
var pathSegment = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// NormalPath is a path as the table has it, or why API Gateway cannot have it.
func NormalPath(path string, match Match) (string, error) {
	if path == "" && match == Prefix {
		return "/", nil
	}
	if !strings.HasPrefix(path, "/") {
		return path, errors.New(`the path must start with "/"`)
	}
	if len(path) > maxPathLength {
		return path, fmt.Errorf("the path has %d characters: at most %d are possible in NGINX's configuration", len(path), maxPathLength)
	}
	if path == "/" {
		return path, nil
	}
	if match == Prefix && strings.HasSuffix(path, "/*") {
		return path, fmt.Errorf("there are no patterns: a Prefix is everything below it anyway; write %q",
			cmp.Or(strings.TrimSuffix(path, "/*"), "/"))
	}
	trimmed := strings.TrimSuffix(path, "/")
	if match == Exact && trimmed != path {
		return path, errors.New("an Exact path cannot end in a slash: API Gateway does not tell the two apart; remove it or write Prefix")
	}
	for segment := range strings.SplitSeq(trimmed[1:], "/") {
		if segment == "." || segment == ".." || !pathSegment.MatchString(segment) {
			return path, fmt.Errorf("segment %q is not possible in API Gateway: use A-Z, a-z, 0-9 and . _ : -", segment)
		}
	}
	return trimmed, nil
}
