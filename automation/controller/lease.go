package controller

import (
	"cmp"
	"strings"
)

// leaseName is that of the Lease: controllers of one name are replicas of each other.
func leaseName(controller string) string {
	return strings.ToLower(strings.ReplaceAll(cmp.Or(controller, DefaultName), "/", "."))
}
