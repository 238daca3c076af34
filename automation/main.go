// Command apigw-ingress brings stacks of this project up, calls them and takes them down, on AWS and on this
// machine. `apigw-ingress help` lists its verbs and exit codes.
package main

import (
	"fmt"
	"os"

	"github.com/apigateway-ingress/apigateway-ingress/automation/command"
	"github.com/apigateway-ingress/apigateway-ingress/automation/operation"
	_ "github.com/apigateway-ingress/apigateway-ingress/internal/quietterminal"
)

// version is set at the build of a release.
var version = "dev"

func main() {
	if served, err := operation.ServeHelper(os.Args, os.Stdout); served {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(command.Run(version, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
