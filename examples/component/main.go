// Command component is a Pulumi program that uses the components of this project.
package main

import (
	"github.com/apigateway-ingress/apigateway-ingress/examples/component/shop"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() { pulumi.Run(shop.Declare) }
