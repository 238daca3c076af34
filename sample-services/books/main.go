// Command books is the sample service of that name, for its container image.
package main

import (
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/sample-services/httpservice"
	"github.com/apigateway-ingress/apigateway-ingress/sample-services/samples"
)

func main() { os.Exit(httpservice.Main("books", os.Args[1:], samples.Books)) }
