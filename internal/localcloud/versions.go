package localcloud

import (
	"runtime/debug"
	"strings"
)

// sdkModules are the SDKs whose providers the local cloud stands for. It reports their versions as its own,
// which is what the engine compares with the version that the program asks for.
var sdkModules = map[string]string{
	"aws":        "github.com/pulumi/pulumi-aws/sdk/v6",
	"kubernetes": "github.com/pulumi/pulumi-kubernetes/sdk/v4",
	"eks":        "github.com/pulumi/pulumi-eks/sdk/v3",
	"time":       "github.com/pulumiverse/pulumi-time/sdk",
	"random":     "github.com/pulumi/pulumi-random/sdk/v4",
}

func sdkVersion(name string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == sdkModules[name] {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "0.0.0"
}
