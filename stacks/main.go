// Command stacks is the program that `pulumi up` runs. Pulumi.yaml documents its config.
package main

import (
	"github.com/apigateway-ingress/apigateway-ingress/stacks/deploy"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() { pulumi.Run(deploy.Stack) }
