package nginx

import (
	"regexp"
	"slices"
	"strconv"
)

// followsNames is the first version that takes up another address of a name while it runs:
// https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve
var followsNames = []int{1, 27, 3}

var imageTag = regexp.MustCompile(`:([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-[\w.-]+)?(?:@.*)?$`)

// ImageVersion is what an image's tag says of its version, as far as it says it: {1, 30} for nginx:1.30-alpine, and nothing for
// nginx:stable.
func ImageVersion(image string) []int {
	var version []int
	for _, part := range append(imageTag.FindStringSubmatch(image), "")[1:] {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		version = append(version, n)
	}
	return version
}

// FollowsNames says whether the NGINX of an image takes up another address of a name while it runs. One whose tag names no
// version, or only the beginning of one, is taken for new.
func FollowsNames(image string) bool {
	version := ImageVersion(image)
	return slices.Compare(version, followsNames[:len(version)]) >= 0
}
